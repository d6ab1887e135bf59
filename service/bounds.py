"""How much of a server one recipe may ask for at most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from schemas.recipe import Recipe
from schemas.settings import Settings
from service.problems import bad_field

# By a field's name, wherever in the recipe it stands: beyond these a job would hold up all others, or fill memory.
_MOST: Final[Mapping[str, int]] = {
    "window": 4096,
    "max_tokens": 65_536,
    "max_chars": 1_000_000,
    "ngram": 64,
    "shard_rows": 1_000_000,
    "dropped_samples": 10_000,
}
_MOST_OF_A_FLOAT = 1e6
_LONGEST_LIST = 64
_LONGEST_NAME = 500
_PROSE = ("publish", "description")
_LONGEST_PROSE = 20_000


def check_bounds(recipe: Recipe, settings: Settings) -> None:
    """Raises ProblemError, a 422 that names the field and says how much it may be."""
    most = settings.max_conversations
    if most is not None and recipe.target.conversations > most:
        raise bad_field("target.conversations", f"this server makes at most {most:,} conversations for one recipe")
    _check(recipe.model_dump(mode="json"), ())


def _check(value: Any, path: tuple[str | int, ...]) -> None:
    problem = _problem(value, path)
    if problem is not None:
        raise bad_field(".".join(map(str, path)), problem)
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        _check(child, (*path, key))


def _problem(value: Any, path: tuple[str | int, ...]) -> str | None:
    if isinstance(value, str):
        if "\0" in value:
            return "holds a zero character, which databases do not take"
        most = _LONGEST_PROSE if path == _PROSE else _LONGEST_NAME
        if len(value) > most:
            return f"has at most {most:,} characters on a server"
    elif isinstance(value, list) and len(value) > _LONGEST_LIST:
        return f"has at most {_LONGEST_LIST} entries on a server"
    elif isinstance(value, float) and value > _MOST_OF_A_FLOAT:
        return f"is at most {_MOST_OF_A_FLOAT:,.0f} on a server"
    elif isinstance(value, int) and value > _MOST.get(str(path[-1]), value):
        return f"is at most {_MOST[str(path[-1])]:,} on a server"
    return None
