"""Protection: what no translation may change gives its place to a numbered placeholder, and takes it back after."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from languages.protected_text import protected_spans

# Models like to put spaces inside.
_PLACEHOLDER = re.compile(r"⟦[ \t]*(\d{1,6})[ \t]*⟧")


@dataclass(frozen=True, slots=True)
class Protected:
    """A text with ⟦1⟧, ⟦2⟧, ... for its protected pieces. It holds no other ⟦ or ⟧: those are pieces too."""

    text: str
    pieces: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether there is no letter left to translate."""
        return not any(map(str.isalpha, _PLACEHOLDER.sub("", self.text)))

    def intact(self, text: str) -> bool:
        """Whether a text has every placeholder once, and no other."""
        return placeholders(text) == Counter(range(1, len(self.pieces) + 1))

    def restored(self, text: str) -> str:
        """The text with its pieces back. Placeholders that it has lost or invented are for the filters to see."""

        def piece(found: re.Match[str]) -> str:
            number = int(found[1])
            return self.pieces[number - 1] if 1 <= number <= len(self.pieces) else found[0]

        return _PLACEHOLDER.sub(piece, text)


def protect(text: str) -> Protected:
    """`protect(text).restored(protect(text).text)` is the text."""
    parts: list[str] = []
    pieces: list[str] = []
    at = 0
    for start, end in protected_spans(text):
        pieces.append(text[start:end])
        parts += (text[at:start], f"⟦{len(pieces)}⟧")
        at = end
    return Protected("".join((*parts, text[at:])), tuple(pieces))


def placeholders(text: str) -> Counter[int]:
    """How often each placeholder stands in a text, by number."""
    return Counter(int(number) for number in _PLACEHOLDER.findall(text))
