"""Segments encode as whole texts do."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.segments import SegmentEncoder
from tests.support.chat_tokenizers import family_tokenizer
from tests.support.generators_models import tokenizer

FAMILIES = ("llama", "chatml", "gemma", "mistral")


@cache
def encoder(family: str) -> tuple[Any, SegmentEncoder]:
    tokens = tokenizer(family)
    return tokens, SegmentEncoder(tokens)


@pytest.mark.parametrize("family", FAMILIES)
@given(st.data())
def test_the_ids_are_those_of_the_whole_text(family: str, data: st.DataObject) -> None:
    tokens, segments = encoder(family)
    piece = st.sampled_from([*tokens.all_special_tokens, "[INST]", "<|eot_id|>", "<end_of_turn>"]) | st.text(
        alphabet="ab \n.<|>1ñ€", max_size=8
    )
    text = "".join(data.draw(st.lists(piece, max_size=12)))
    assert segments.encode(text) == tokens.encode(text, add_special_tokens=False)


def test_a_segment_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = tokenizer("llama")
    segments = SegmentEncoder(tokens)
    first = "<|eot_id|>Kaixo, zer moduz?<|eot_id|>"
    segments.encode(first)
    seen: list[str] = []
    encode = tokens.encode

    def spy(text: str, **options: Any) -> Any:
        seen.append(text)
        return encode(text, **options)

    monkeypatch.setattr(tokens, "encode", spy)
    segments.encode(first + "Ondo.<|eot_id|>")
    assert seen == ["<|eot_id|>Ondo."]


@pytest.mark.parametrize("family", ("llama-2", "mistral-v3", "tinyllama", "gemma-2", "yi", "phi-3", "deepseek-v3"))
def test_whatever_a_tokenizer_does_with_spaces_its_segments_are_kept(family: str) -> None:
    assert SegmentEncoder(family_tokenizer(family))._independent
