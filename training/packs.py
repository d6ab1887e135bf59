"""Packs of sequences as the dataset that TRL's trainer reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datasets import Dataset

from training.sequences import Sequences


def dataset(sequences: Sequences, packs: Sequence[Sequence[int]]) -> Dataset:
    """One row a pack, joined when it is asked for: `input_ids`, `labels`, `seq_lengths`."""

    def rows(batch: dict[str, list[int]]) -> dict[str, list[Any]]:
        joined = [sequences.joined(packs[place]) for place in batch["pack"]]
        return {name: [row[name] for row in joined] for name in ("input_ids", "labels", "seq_lengths")}

    return Dataset.from_dict({"pack": list(range(len(packs)))}).with_transform(rows)
