"""What all models share: frozen, and closed to unknown fields."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable model; a field it does not know is an error that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
