"""Documents that are no text: bytes of something else, and text that was decoded as what it is not."""

from __future__ import annotations

import regex

# The share of characters that text never has, from which on it is none.
_STRANGE_SHARE = 0.005
_STRANGE = regex.compile(r"[\p{Cc}\p{Co}\p{Cn}\p{Cs}\ufffd--[\t\n\r\f\v\x85]]", regex.V1)
# UTF-8 that was read as Windows-1252: a first byte and those that it asks for, as that encoding shows them.
_NEXT = "[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
_TWICE = regex.compile(f"[\u00c2-\u00df]{_NEXT}|[\u00e0-\u00ef]{_NEXT}{{2}}|[\u00f0-\u00f4]{_NEXT}{{3}}")
_BEYOND_ASCII = regex.compile(r"[^\x00-\x7f]")
# One may be what an author wrote; so many, that make most of what is not ASCII, are not.
_LEAST = 3


def what_is_wrong(text: str) -> str | None:
    """Why a document is no text, in words; None where it is."""
    strange = _STRANGE.findall(text)
    if len(strange) > _STRANGE_SHARE * len(text):
        return f"{len(strange):,} of {len(text):,} characters are none of a text, such as {strange[0]!r}"
    twice = _TWICE.findall(text)
    if len(twice) >= _LEAST and 2 * sum(map(len, twice)) > len(_BEYOND_ASCII.findall(text)):
        return f"UTF-8 that was read as another encoding, such as {twice[0]!r}, {len(twice):,} times"
    return None
