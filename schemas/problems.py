"""One line from a pydantic error: which field, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from schemas.names import IN_WORDS

Problem = TypeVar("Problem", bound=Mapping[str, Any])

# How a field may be given where it may be given in two ways; pydantic names them as if they were fields.
CHOICES = ("(by name)", "(whole)")
# What pydantic puts after a key that is wrong itself.
_KEY = "[key]"
_MISMATCH = "string_pattern_mismatch"


def first_problem(error: ValidationError) -> tuple[str, str]:
    """The first problem as (field path joined by dots, message).

    A field that does not exist comes before all others: it is a slip of the pen, and the others may follow from it.
    """
    problems = own_problems(error.errors(include_url=False))
    problem = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
    told = written(problem["loc"])
    if problem["type"].startswith("union_tag"):
        told.append(problem["ctx"]["discriminator"].strip("'"))
    what = message(problem["type"], problem["msg"])
    if problem["type"] == _MISMATCH:
        what = f"{problem['input']!r} {what}"
    return ".".join(map(str, told)), what


def own_problems(problems: Sequence[Problem]) -> list[Problem]:
    """The problems without those that only follow: pydantic counts no faulty item, and so finds lists too short."""
    places = [tuple(one["loc"]) for one in problems]

    def follows(one: Problem) -> bool:
        where = tuple(one["loc"])
        return one["type"] == "too_short" and any(
            len(place) > len(where) and place[: len(where)] == where for place in places
        )

    return [one for one in problems if not follows(one)]


def written(where: Sequence[str | int]) -> list[str | int]:
    """The path of a field as people write it: pydantic names choices too, and of a mode its kind."""
    return [
        part for at, part in enumerate(where) if part not in (*CHOICES, _KEY) and (at < 2 or where[at - 2] != "modes")
    ]


_FIXED = {
    "missing": "this field is required",
    "union_tag_not_found": "this field is required",
    "model_type": "must be a mapping of fields",
    "model_attributes_type": "must be a mapping of fields",
    "dict_type": "must be a mapping of fields",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "too_short": "must not be empty",
}


def message(kind: str, text: str) -> str:
    """pydantic's message in our words."""
    if kind in _FIXED:
        return _FIXED[kind]
    if kind == "union_tag_invalid":
        given, _, known = text.removeprefix("Input tag ").partition(" found using ")
        return f"{given} is none of the known: {known.partition('expected tags: ')[2]}"
    if kind == _MISMATCH and (words := IN_WORDS.get(text.removeprefix("String should match pattern ").strip("'"))):
        return f"is {words}"
    return text.removeprefix("Value error, ").replace("Input should be", "must be").replace("String should", "must")
