"""What ends a turn: the tokens that a chat template writes between turns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from generators.reasoning import BLOCKS
from generators.rendering import SENTINELS, Renderer
from schemas.errors import TemplateError

_Encode = Callable[[str], list[int]]


@dataclass(frozen=True, slots=True)
class TurnEnds:
    """`texts` end user turns where the template writes no token after them; most templates have none."""

    token_ids: tuple[int, ...]
    texts: tuple[str, ...]


def derive_ends(renderer: Renderer, tokenizer: Any, encode: _Encode, eos_token_ids: Iterable[int]) -> TurnEnds:
    """The special tokens from the end of one user turn to the start of the next, then the ends of text.

    The token that follows a turn's text counts even when the tokenizer does not call it special. Engines leave special
    tokens out of the text, so one that opens reasoning ends a turn as well: reasoning without its marks could not be
    told from the reply. Raises TemplateError when a word ends user turns, which the turn itself may say, and when
    nothing ends replies.
    """
    first, reply, second = SENTINELS
    dialogue = [{"role": "user", "content": first}, {"role": "assistant", "content": reply}]
    text = renderer.render([*dialogue, {"role": "user", "content": second}])
    asked, _, rest = text.partition(first)[2].partition(reply)
    between = encode(asked.lstrip())
    after = encode(rest.partition(second)[0].lstrip())
    last = encode(renderer.attempt(dialogue).rpartition(reply)[2].lstrip())

    added = tokenizer.added_tokens_decoder
    special = {*tokenizer.all_special_ids, *(id_ for id_, token in added.items() if token.special)}
    marks = special | {id_ for id_, token in added.items() if token.content.strip()}
    eos = [*eos_token_ids, *([] if tokenizer.eos_token_id is None else [tokenizer.eos_token_id])]
    if not any(ids and ids[0] in marks for ids in (after, last)) and not eos:
        raise TemplateError(f"{renderer.name}: neither the chat template nor the tokenizer ends replies with a token")
    firsts = {ids[0] for ids in (between, after, last) if ids and ids[0] in marks}
    frame = [id_ for id_ in (*between, *after, *last) if id_ in special or id_ in firsts]
    opening = {opening for opening, _ in BLOCKS}
    reasoning = [id_ for id_, token in added.items() if token.special and token.content in opening]
    plain = list(takewhile(lambda id_: id_ not in marks, between))
    texts = (_mark(tokenizer.decode(plain), renderer.name),) if plain or not between else ()
    return TurnEnds(tuple(dict.fromkeys((*frame, *reasoning, *eos))), texts)


def _mark(plain: str, name: str) -> str:
    """The mark in plain text that follows a user turn, such as `[/INST]`; a word would cut turns that say it."""
    mark = plain.strip().partition("\n")[0].rstrip()
    if not mark or mark[0].isalnum():
        raise TemplateError(
            f"{name}: the chat template ends user turns with plain text, neither with a special token nor with a mark "
            f"({mark!r}), so their sampling cannot be stopped; use another model"
        )
    return mark
