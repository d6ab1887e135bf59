"""One Arrow schema for the objects of JSONL files, whatever their first rows look like."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from pipeline.filtering.row_batch import as_type

# What lies deeper, or has more different keys than this, is kept as JSON: each would become a column of its own.
MOST_DEPTH = 32
MOST_KEYS = 1_000
# Integers up to here are the same as floating-point numbers.
_EXACT = 1 << 53
_LONGEST = 1 << 63
_KINDS = {str: "string", bool: "bool", float: "float", list: "list", dict: "struct"}
_PLAIN: dict[frozenset[str], pa.DataType] = {
    frozenset(): pa.string(),  # Arrow 26 has trouble with nulls in lists
    frozenset({"string"}): pa.string(),
    frozenset({"bool"}): pa.bool_(),
    frozenset({"int"}): pa.int64(),
    frozenset({"long"}): pa.int64(),
    frozenset({"int", "long"}): pa.int64(),
    frozenset({"float"}): pa.float64(),
    frozenset({"int", "float"}): pa.float64(),
}

Convert = Callable[[Any], Any]


class Seen:
    """The types of all values that were seen in one place, and in the places below it."""

    def __init__(self, depth: int = 0) -> None:
        self._depth = depth
        self._kinds: set[str] = set()
        self._item: Seen | None = None
        self.fields: dict[str, Seen] = {}

    def add(self, value: Any) -> None:
        """Take one more value into account."""
        if value is None:
            return
        kind = _kind(value)
        self._kinds.add(kind)
        if kind not in ("list", "struct") or "deep" in self._kinds:
            return
        if self._depth >= MOST_DEPTH:
            self._kinds.add("deep")
        elif kind == "list":
            self._item = self._item or Seen(self._depth + 1)
            for item in value:
                self._item.add(item)
        else:
            self._add_fields(value)

    def _add_fields(self, value: dict[str, Any]) -> None:
        for name, inner in value.items():
            field = self.fields.get(name)
            if field is None:
                field = self.fields[name] = Seen(self._depth + 1)
            field.add(inner)
        if self._depth and len(self.fields) > MOST_KEYS:
            self._kinds.add("deep")
            self.fields.clear()

    def type(self) -> pa.DataType:
        """The Arrow type that holds them all; JSON text, which `datasets` reads back as objects, where none does."""
        if self._kinds == {"list"} and self._item is not None:
            return pa.list_(self._item.type())
        if self._kinds == {"struct"} and self.fields:
            return pa.struct([(name, field.type()) for name, field in self.fields.items()])
        return _PLAIN.get(frozenset(self._kinds), pa.json_())

    def schema(self) -> pa.Schema:
        """The types of the fields, as columns."""
        return pa.schema([(name, field.type()) for name, field in self.fields.items()])


def _kind(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        if -_EXACT <= value <= _EXACT:
            return "int"
        return "long" if -_LONGEST <= value < _LONGEST else "huge"
    return _KINDS[type(value)]


def to_batch(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    """The rows as Arrow; their schema has been found with Seen. Raises ValueError when it does not hold them."""
    stored = pa.schema([(field.name, _stored(field.type)) for field in schema])
    try:
        for field in schema:
            encode = _convert(field.type, _text)
            if encode is not None:
                rows = [{**row, field.name: encode(row.get(field.name))} for row in rows]
        batch = pa.RecordBatch.from_pylist(rows, schema=stored)
        columns = [as_type(column, field.type) for column, field in zip(batch.columns, schema, strict=True)]
        return pa.RecordBatch.from_arrays(columns, schema=schema)
    except (pa.ArrowException, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from error


def from_column(column: pa.Array) -> list[Any]:
    """The values of a column, JSON as the objects that it stands for.

    Raises UnicodeDecodeError, ValueError, RecursionError where a text is none.
    """
    decode = _convert(column.type, json.loads)
    values: list[Any] = column.to_pylist()
    return values if decode is None else [decode(value) for value in values]


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _stored(kind: pa.DataType) -> pa.DataType:
    """The type with JSON as plain text: Arrow casts one to the other, and makes nested arrays of the latter only."""
    if isinstance(kind, pa.JsonType):
        return pa.string()
    if pa.types.is_list(kind):
        return pa.list_(_stored(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _stored(field.type)) for field in kind])
    return kind


def _convert(kind: pa.DataType, leaf: Convert) -> Convert | None:
    """A function that applies `leaf` wherever a value of this type has JSON; None where there is no such place."""
    if isinstance(kind, pa.JsonType):
        return lambda value: None if value is None else leaf(value)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        inner = _convert(kind.value_type, leaf)
        if inner is None:
            return None
        return lambda value: None if value is None else [inner(item) for item in value]
    if pa.types.is_struct(kind):
        inners = {field.name: _convert(field.type, leaf) for field in kind}
        wanted = {name: inner for name, inner in inners.items() if inner is not None}
        if not wanted:
            return None
        return lambda value: (
            None if value is None else {**value, **{name: wanted[name](value.get(name)) for name in wanted}}
        )
    return None
