"""Whom a build can be exported for."""

from __future__ import annotations

from typing import Literal

TrainingFormat = Literal["trl", "axolotl", "llamafactory", "sharegpt", "alpaca", "jsonl"]
"""Trainers and layouts, as `iturri export --for` names them."""
