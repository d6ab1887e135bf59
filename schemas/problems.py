"""One line from a pydantic error: which field, and what is wrong with it."""

from __future__ import annotations

from pydantic import ValidationError

# How a field may be given where it may be given in two ways; pydantic names them as if they were fields.
CHOICES = ("(by name)", "(whole)")


def first_problem(error: ValidationError) -> tuple[str, str]:
    """The first problem as (field path joined by dots, message).

    A field that does not exist comes before all others: it is a slip of the pen, and the others may follow from it.
    """
    problems = error.errors(include_url=False)
    problem = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
    parts = problem["loc"]
    # Of a mode, pydantic names the kind too.
    told = [part for at, part in enumerate(parts) if part not in CHOICES and (at < 2 or parts[at - 2] != "modes")]
    if problem["type"].startswith("union_tag"):
        told.append(problem["ctx"]["discriminator"].strip("'"))
    return ".".join(map(str, told)), message(problem["type"], problem["msg"])


def message(kind: str, text: str) -> str:
    """pydantic's message in our words."""
    if kind == "extra_forbidden":
        return "there is no such field"
    if kind in ("missing", "union_tag_not_found"):
        return "this field is required"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return "must be a mapping of fields"
    if kind in ("tuple_type", "list_type"):
        return "must be a list"
    if kind == "union_tag_invalid":
        given, _, known = text.removeprefix("Input tag ").partition(" found using ")
        return f"{given} is none of the known: {known.partition('expected tags: ')[2]}"
    if kind == "too_short":
        return "must not be empty"
    return text.removeprefix("Value error, ").replace("Input should be", "must be").replace("String should", "must")
