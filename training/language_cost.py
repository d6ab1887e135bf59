"""What a language costs in a tokenizer's tokens, and whether it can be written at all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from transformers import PreTrainedTokenizerBase

from schemas.errors import DatasetError
from schemas.training_report import LanguageCost

UNKNOWN_SHARE = 0.001
"""More of what cannot be written is learnt as noise: one token in a thousand is about one in every page."""
TOKENS_PER_WORD = 4.0
"""English has 1.2 to 1.5 in the tokenizers of today, Basque 2 to 3 in those that saw little of it."""
BYTES_PER_TOKEN = 2.0
"""A tokenizer that knows no more of a language than its Latin letters, or its bytes, has about one."""

# Thai, Lao, Burmese, Khmer, kana and Han are written without spaces: each sign counts as a word.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")
_BLANKS = re.compile(r"[\s▁]+")  # sentencepiece's sign for a space among them


def cost(tokenizer: PreTrainedTokenizerBase, language: str, texts: Iterable[str]) -> LanguageCost:
    """Of texts of the language. Unknown are the tokenizer's unknown token, and each letter that encoding loses.

    Letters that the tokenizer writes otherwise, such as small ones for capitals, are not lost.
    Raises DatasetError where there is no text.
    """
    tokens = words = size = unknown = lost = 0
    for text in texts:
        ids = list(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
        unwritten = 0 if tokenizer.unk_token_id is None else ids.count(tokenizer.unk_token_id)
        tokens += len(ids)
        words += len(_WORD.findall(text))
        size += len(text.encode())
        unknown += unwritten
        lost += max(0, _lost(tokenizer, text, ids) - unwritten)
    if not words:
        raise DatasetError(f"languages: there is no text in {language}; add data of it, or take it out")
    return LanguageCost(
        language=language,
        tokens_per_word=tokens / words,
        bytes_per_token=size / max(1, tokens),
        unknown_share=(unknown + lost) / max(1, tokens + lost),
    )


def warning(cost: LanguageCost) -> str | None:
    """One line where the tokenizer cannot write the language, or writes it dearly."""
    paid = f"{cost.tokens_per_word:.1f} tokens a word, {cost.bytes_per_token:.1f} bytes a token"
    if cost.unknown_share > UNKNOWN_SHARE:
        return (
            f"{cost.language}: the tokenizer cannot write {cost.unknown_share:.1%} of the text ({paid}); "
            "take a model whose tokenizer falls back to bytes"
        )
    if cost.tokens_per_word > TOKENS_PER_WORD or cost.bytes_per_token < BYTES_PER_TOKEN:
        return (
            f"{cost.language}: the tokenizer writes it in little pieces ({paid}); training and sampling take longer, "
            "and less of it fits a context"
        )
    return None


def _lost(tokenizer: PreTrainedTokenizerBase, text: str, ids: list[int]) -> int:
    """How many letters do not come back when the ids are decoded."""
    decoded = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
    normalizer = tokenizer.backend_tokenizer.normalizer if tokenizer.is_fast else None
    written = normalizer.normalize_str(text) if normalizer else text
    return (Counter(_BLANKS.sub("", written)) - Counter(_BLANKS.sub("", decoded))).total()
