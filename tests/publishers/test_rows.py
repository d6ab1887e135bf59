from __future__ import annotations

import subprocess
import sys
from typing import get_args

import datasets
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from publishers.rows import SCHEMA, features, from_table, to_table
from schemas.conversation import Conversation, Message, Origin
from tests.support.publishers_builds import conversation

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
messages = st.lists(st.builds(Message, role=st.sampled_from(["user", "assistant"]), content=text), max_size=4)
conversations = st.builds(
    Conversation,
    id=text,
    messages=messages.map(tuple),
    language=text,
    mode=text,
    exchanges=st.integers(0, 32),
    backbone=text,
    backbone_revision=st.none() | text,
    sampling=text,
    template_hash=text,
    recipe_fingerprint=text,
    scores=st.dictionaries(text, st.floats(allow_nan=False, allow_infinity=False)),
    turn_languages=st.lists(text, max_size=4).map(tuple),
    turn_origins=st.lists(st.sampled_from(get_args(Origin)), max_size=4).map(tuple),
    source_document=st.none() | text,
    prompt_tokens=st.integers(0, 2**40),
    completion_tokens=st.integers(0, 2**40),
)


@given(st.lists(conversations, max_size=5))
def test_rows_come_back_as_they_were(rows: list[Conversation]) -> None:
    assert from_table(to_table(rows)) == rows


def test_every_field_of_a_conversation_is_a_column_in_the_same_order() -> None:
    assert SCHEMA.names == list(Conversation.model_fields)


def test_columns_without_a_value_keep_their_type() -> None:
    table = to_table([conversation(0, scores={}, backbone_revision=None, source_document=None)])
    assert table.schema == SCHEMA
    assert not any(pa.types.is_null(field.type) for field in table.schema)


def test_scores_are_ordered_by_name() -> None:
    assert to_table([conversation(0, scores={"b": 1.0, "a": 2.0})]) == to_table(
        [conversation(0, scores={"a": 2.0, "b": 1.0})]
    )


def test_the_features_of_the_card_are_those_that_datasets_derives() -> None:
    assert features() == datasets.Features.from_arrow_schema(SCHEMA)._to_yaml_list()


def test_importing_the_room_imports_no_engine() -> None:
    code = (
        "import sys, publishers.hub, publishers.local, publishers.card; "
        "print([name for name in ('torch', 'vllm', 'transformers', 'datasets') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
