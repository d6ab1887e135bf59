"""What of a turn that may go on is sentences of its own: nothing that may be a list of names or a quotation."""

from __future__ import annotations

import re

from filters.prose import prose, without_code

_LINES = re.compile(
    r"""
    ^(?:
        [ \t]*(?:[-*+•][ \t]|\d{1,3}[.)][ \t]|[>|]|\#{1,6}[ \t])  # items of lists, quotations, rows of tables, headings
      | (?:[ ]{2}|\t)                                             # what belongs to an item, and code
      | [^|\n]*\|[^|\n]*\|                                        # rows of tables that have no border
    ).*$
    """,
    re.VERBOSE | re.MULTILINE,
)
# What opens may not have ended yet. A straight mark behind a letter or figure opens nothing: it may be inches.
_EMPHASISED = re.compile(r"(?<![\w*])\*{1,3}(?=[^\s*])[^*\n]*\*{0,3}|(?<!\w)_{1,3}(?=[^\s_])[^_\n]*_{0,3}")
_QUOTED = re.compile(
    r"""
      “[^”]*”? | «[^»]*»? | „[^“”]*[“”]? | (?<!\w)"(?=\S)[^"]*"?
    | (?<!\w)'(?=\S)[^'\n]{1,200}(?<=\S)'(?!\w) | ‘[^’\n]{1,200}’(?!\w)
    """,
    re.VERBOSE,
)


def sentences(text: str) -> str:
    """The prose of a text without lists, tables, headings, emphasis and quotations, those that are still open too."""
    text = without_code(text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _EMPHASISED.sub(" ", _LINES.sub("", text))
    return _QUOTED.sub(" ", prose(text)).strip()
