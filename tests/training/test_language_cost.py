"""What a language costs: hand-counted tokens and bytes, text that is lost, and when a person is told."""

from __future__ import annotations

from typing import Any

import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from schemas.errors import DatasetError
from schemas.training_report import LanguageCost
from tests.support.chat_tokenizers import family_tokenizer
from training.language_cost import cost, warning


def _letters(letters: str, unknown: str | None, normalizer: Any = None) -> Any:
    """A token a letter."""
    vocabulary = {letter: at for at, letter in enumerate((*([unknown] if unknown else []), *letters))}
    inner = Tokenizer(models.BPE(vocabulary, [], unk_token=unknown))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    if normalizer:
        inner.normalizer = normalizer
    return PreTrainedTokenizerFast(tokenizer_object=inner, **({"unk_token": unknown} if unknown else {}))


def _cost(**changed: float) -> LanguageCost:
    given = {"tokens_per_word": 2.0, "bytes_per_token": 3.0, "unknown_share": 0.0}
    return LanguageCost(language="eu", **{**given, **changed})


def test_tokens_words_and_bytes_are_counted_over_all_texts() -> None:
    found = cost(_letters("abñ", None), "eu", ["ab ba", "ñ"])
    assert found == LanguageCost(language="eu", tokens_per_word=5 / 3, bytes_per_token=7 / 5, unknown_share=0)


def test_unknown_tokens_are_counted() -> None:
    assert cost(_letters("ab", "<unk>"), "eu", ["abz aba zb"]).unknown_share == 2 / 8


def test_letters_that_vanish_are_counted_as_unknown() -> None:
    assert cost(_letters("ab", None), "eu", ["abz aba zb"]).unknown_share == 2 / 8
    assert cost(_letters("ab", None), "el", ["γεια"]).unknown_share == 1


def test_what_the_tokenizer_writes_otherwise_is_not_unknown() -> None:
    tokenizer = _letters("ab", None, normalizers.Lowercase())
    assert cost(tokenizer, "eu", ["AbBa"]).unknown_share == 0


@pytest.mark.parametrize("name", ["llama-3", "llama-2", "gemma-2", "yi", "mistral-v3"])
def test_blanks_are_never_unknown(name: str) -> None:
    assert cost(family_tokenizer(name), "eu", ["Kaixo, zer moduz?", " bai \n ez "]).unknown_share == 0


def test_bytes_write_every_language() -> None:
    found = cost(family_tokenizer("llama-3"), "el", ["Καλημέρα σας", "🙂"])
    assert found.unknown_share == 0 and found.bytes_per_token == pytest.approx(1, abs=0.1)


def test_signs_of_scripts_without_spaces_are_words() -> None:
    found = cost(_letters("今日は良い天気ab", None), "ja", ["今日は良い天気 ab"])
    assert found.tokens_per_word == 9 / 8


def test_no_text_is_an_error() -> None:
    with pytest.raises(DatasetError, match="there is no text in eu"):
        cost(family_tokenizer("llama-3"), "eu", ["", " \n"])


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (_cost(), None),
        (_cost(unknown_share=0.001), None),
        (_cost(unknown_share=0.0123), "cannot write 1.2% of the text"),
        (_cost(tokens_per_word=4.0), None),
        (_cost(tokens_per_word=4.1), "in little pieces (4.1 tokens a word, 3.0 bytes a token)"),
        (_cost(bytes_per_token=1.9), "in little pieces (2.0 tokens a word, 1.9 bytes a token)"),
    ],
)
def test_a_person_is_told_of_what_cannot_be_written_and_of_what_is_dear(found: LanguageCost, told: str | None) -> None:
    line = warning(found)
    assert line is None if told is None else line is not None and line.startswith("eu: ") and told in line
