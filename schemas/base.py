"""What all models share: frozen, and closed to unknown fields."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Self

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
            near = get_close_matches(str(where[0]), cls.model_fields, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(cls.model_fields)}"
            text = f"there is no such field; {hint}"
        told = PydanticCustomError(kind, text, problem.get("ctx"))
        return InitErrorDetails(type=told, loc=where, input=problem["input"])
