"""Conversations as Arrow tables, with one explicit schema for every shard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, chain
from operator import attrgetter, itemgetter
from typing import Any

import pyarrow as pa

from schemas.conversation import Conversation

# Written out, never inferred: a column that is all null in one shard would otherwise have another type there, and
# `load_dataset` fails when the files of a dataset differ. Scores are a list of pairs since not every build has the same
# ones, and a struct would make their names part of the schema.
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
        ("language", pa.string()),
        ("mode", pa.string()),
        ("exchanges", pa.int64()),
        ("backbone", pa.string()),
        ("backbone_revision", pa.string()),
        ("sampling", pa.string()),
        ("template_hash", pa.string()),
        ("recipe_fingerprint", pa.string()),
        ("scores", pa.list_(pa.struct([("name", pa.string()), ("value", pa.float64())]))),
        ("turn_languages", pa.list_(pa.string())),
        ("turn_origins", pa.list_(pa.string())),
        ("source_document", pa.string()),
        ("source", pa.string()),
        ("prompt_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
    ]
)

# How the parts of a struct are got from what stands in a list of them.
_PARTS: dict[str, tuple[Callable[[Any], Any], ...]] = {
    "messages": (attrgetter("role"), attrgetter("content")),
    "scores": (itemgetter(0), itemgetter(1)),
}


def to_table(rows: Sequence[Conversation]) -> pa.Table:
    """One table row per conversation, in the given order; scores by name, so that equal rows give equal bytes."""
    return pa.Table.from_arrays([_column(field, rows) for field in SCHEMA], schema=SCHEMA)


def from_table(table: pa.Table) -> list[Conversation]:
    """The conversations of a table that `to_table` made. Raises pydantic's ValidationError on any other."""
    rows = []
    for cells in table.to_pylist():
        cells["scores"] = {score["name"]: score["value"] for score in cells["scores"]}
        rows.append(Conversation.model_validate(cells))
    return rows


def _column(field: pa.Field, rows: Sequence[Conversation]) -> pa.Array:
    """One column, straight from the attributes: going through dicts takes longer than to compress the rows."""
    values = list(map(attrgetter(field.name), rows))
    if not pa.types.is_list(field.type):
        return pa.array(values, field.type)
    if field.name == "scores":
        values = [sorted(scores.items()) for scores in values]
    ends = pa.array(accumulate(map(len, values), initial=0), pa.int32())
    return pa.ListArray.from_arrays(ends, _elements(field, list(chain.from_iterable(values))), type=field.type)


def _elements(field: pa.Field, flat: list[Any]) -> pa.Array:
    """What the lists of a column hold, one after the other."""
    inner = field.type.value_type
    if not pa.types.is_struct(inner):
        return pa.array(flat, inner)
    parts = [pa.array(list(map(get, flat)), part.type) for get, part in zip(_PARTS[field.name], inner, strict=True)]
    return pa.StructArray.from_arrays(parts, fields=list(inner))


def features(schema: pa.Schema = SCHEMA) -> list[dict[str, Any]]:
    """The schema in the words of a dataset card's `dataset_info.features`."""
    return [_feature(field) for field in schema]


def _feature(field: pa.Field) -> dict[str, Any]:
    if pa.types.is_list(field.type):
        inner = field.type.value_type
        listed = [_feature(part) for part in inner] if pa.types.is_struct(inner) else str(inner)
        return {"name": field.name, "list": listed}
    # Arrow says `double` where cards say `float64`; the other types of the schema have one name.
    return {"name": field.name, "dtype": "float64" if field.type == pa.float64() else str(field.type)}
