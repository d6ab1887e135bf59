"""What all models share: frozen, and closed to unknown fields."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable model; a field it does not know is an error that names it."""

    # Stating a length, even this one, has pydantic look into strings and refuse half a surrogate pair, which neither
    # files nor databases take. An infinite number would come back from JSON as null.
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False, str_min_length=0)
