"""What all models share: frozen, and closed to unknown fields."""

from __future__ import annotations

from difflib import get_close_matches
from types import UnionType
from typing import Any, Self, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError


class Frozen(BaseModel):
    """An immutable model; a field it does not know is an error that names it."""

    # Stating a length, even this one, has pydantic look into strings and refuse half a surrogate pair, which neither
    # files nor databases take. An infinite number would come back from JSON as null.
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False, str_min_length=0)

    @model_validator(mode="wrap")
    @classmethod
    def _naming_fields(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Say of a field that there is not which one may be meant: only the model itself knows."""
        try:
            return handler(value)
        except ValidationError as error:
            problems = map(cls._told, error.errors(include_url=False))
            raise ValidationError.from_exception_data(cls.__name__, list(problems)) from None

    @classmethod
    def _told(cls, problem: ErrorDetails) -> InitErrorDetails:
        kind, text, where = problem["type"], problem["msg"], problem["loc"]
        if kind == "extra_forbidden" and len(where) == 1:
            name = str(where[0])
            meant = _inside(cls, name) or "".join(get_close_matches(name, cls.model_fields, 1))
            hint = f"did you mean {meant}?" if meant else f"there are: {', '.join(cls.model_fields)}"
            text = f"there is no such field; {hint}"
        told = PydanticCustomError(kind, text, problem.get("ctx"))
        return InitErrorDetails(type=told, loc=where, input=problem["input"])


def _inside(model: type[Frozen], name: str) -> str | None:
    """Where the sections of a model have a field of this very name; the nearest place, where it is the only one."""
    level: dict[str, type[Frozen]] = {"": model}
    while level:
        level = {
            f"{path}{field}.": section
            for path, outer in level.items()
            for field, about in outer.model_fields.items()
            if (section := _section(about.annotation)) is not None
        }
        if places := [f"{path}{name}" for path, section in level.items() if name in section.model_fields]:
            return places[0] if len(places) == 1 else None
    return None


def _section(annotation: Any) -> type[Frozen] | None:
    """The model that a field holds, or may hold; None of lists, and of what is told by its kind."""
    kinds = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Frozen)), None)
