"""What became of a grid: its table, and the reports of what was measured without training."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from schemas.base import Frozen
from schemas.training_grid import MergeMethod
from schemas.training_report import HeldOutLoss

RowKind = Literal["trained", "untouched", "merged"]
RowState = Literal["finished", "unfinished", "failed", "not run", "left out"]


class MergedFrom(Frozen):
    """One of the models that were merged."""

    model: str = Field(description="its name on the Hub, the name of a cell; of a folder only the last part")
    revision: str | None = Field(default=None, description="the commit, where it is from the Hub")
    weight: float | None = Field(default=None, description="none for a base")


class MergeReport(Frozen):
    """`merge.json`, beside merged weights."""

    version: int = 1
    name: str
    method: MergeMethod
    formula: str
    models: tuple[MergedFrom, ...] = Field(description="the base first")
    speaks_like: MergedFrom = Field(description="whose tokenizer, chat template and end of turn it has")
    precision: str = Field(description="of the weights; the arithmetic is in float32")
    parameters: int
    seconds: float
    versions: dict[str, str]


class MeasuredReport(Frozen):
    """`report.json` of what is measured and not trained: an untouched backbone, or a merge."""

    version: int = 1
    recipe: dict[str, Any] = Field(description="which model, and on what it was measured")
    merge: MergeReport | None = None
    losses: tuple[HeldOutLoss, ...] = Field(description="before and after are the same")


class GridRow(Frozen):
    """A variant in the table of its grid."""

    name: str
    kind: RowKind
    model: str = Field(description="the backbone, of a folder only the last part; of a merge its method")
    data: tuple[str, ...] = Field(
        description="what it is trained on, `corpus` and the languages of the instructions; or which models were merged"
    )
    state: RowState
    tokens: int | None = Field(default=None, description="trained on, over all epochs")
    steps: int | None = None
    seconds: float | None = Field(default=None, description="of training steps")
    losses: tuple[HeldOutLoss, ...] = ()
    note: str = ""


class GridTable(Frozen):
    """`table.json` of a grid."""

    version: int = 1
    grid: str
    rows: tuple[GridRow, ...]
    warnings: tuple[str, ...] = ()
