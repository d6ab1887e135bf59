"""Tokenizers of the families of chat templates, small enough to be made in a test."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from tests.support.chat_families import BY_NAME
from tests.support.generators_models import SENTENCES

TEMPLATES = Path(__file__).parent.parent / "generators" / "chat_templates"


@cache
def family_tokenizer(name: str) -> Any:
    """A transformers tokenizer of the family, trained on few sentences, which adds bos when asked to add tokens."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    family = BY_NAME[name]
    inner = Tokenizer(models.BPE(unk_token=None))
    if family.spaces == "bytes":
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        inner.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    else:
        alphabet = [chr(code) for code in range(33, 127)] + ["\n", "ñ", "ü", "▁"]
        by_normalizer = family.spaces in {"prepended", "replaced"}
        inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first" if by_normalizer else family.spaces)
        inner.decoder = decoders.Metaspace(prepend_scheme="never" if family.spaces == "replaced" else "first")
    trainer = trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet, show_progress=False)
    inner.train_from_iterator(SENTENCES * 4, trainer)
    if family.spaces in {"prepended", "replaced"}:
        spaces = normalizers.Replace(" ", "▁")
        before = [normalizers.Prepend("▁")] if family.spaces == "prepended" else []
        inner.normalizer = normalizers.Sequence([*before, spaces])
        inner.pre_tokenizer = None
    inner.add_special_tokens(
        [
            AddedToken(token, special=True, normalized=False, rstrip=token in family.right_stripping)
            for token in dict.fromkeys(family.special)
        ]
    )
    inner.add_tokens([AddedToken(token, special=False, normalized=False) for token in family.added])
    named = {"eos_token": family.special[family.bos]}
    if family.bos:
        bos = named["bos_token"] = family.special[0]
        inner.post_processor = processors.TemplateProcessing(
            single="BOS $A", special_tokens=[("BOS", inner.token_to_id(bos))]
        )
    made = PreTrainedTokenizerFast(tokenizer_object=inner, **named)
    made.chat_template = (TEMPLATES / f"{family.template or name}.jinja").read_text(encoding="utf-8").rstrip("\n")
    return made
