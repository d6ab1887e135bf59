"""What of a turn is language: code, maths, addresses and markup are taken out."""

from __future__ import annotations

import re

# A fence that is never closed runs to the end, as in CommonMark.
_FENCE = re.compile(r"^[ \t>]*(`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t>]*\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_REMOVED = re.compile(
    r"""
      <!--.*?--> | <(script|style|pre|code)\b[^>]*>.*?</\1\s*>    # HTML whose content is no prose
    | (`{1,2})(?!`)[^`\n]+\2                                      # inline code
    | \$\$.+?\$\$ | \\\[.+?\\\] | \\\(.+?\\\)                     # LaTeX; $...$ by pandoc's rule, so prices stay
    | \\begin\{(\w+\*?)\}.*?\\end\{\3\}
    | (?<![\\\w$])\$(?=[^\s$])[^$\n]{0,300}?(?<=[^\s\\])\$(?!\d)
    | </?[A-Za-z][^<>\n]{0,300}>                                  # HTML tags
    | &(?:[A-Za-z]{2,8}|\#\d{2,6});
    | (?:https?|ftp)://[^\s<>")\]]+ | \bwww\.[^\s<>")\]]+         # addresses
    | [\w.+-]+@[\w-]+(?:\.[\w-]+)+
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_MARKS = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]|>[ \t]?|[-*+•][ \t]|\d{1,3}[.)][ \t])+|[*_]{2,3}|(?<!\w)[*_]|[*_](?!\w)|[|]", re.MULTILINE
)


def without_code(text: str) -> str:
    """The text without fenced code blocks."""
    return _FENCE.sub("\n", text) if "```" in text or "~~~" in text else text


def prose(text: str) -> str:
    """The language in a text: no code, LaTeX, addresses, HTML or Markdown marks; text that shouts is lower-cased.

    Lines stay lines. langdetect skips words in capitals, so text that is mostly capitals has to be lower-cased.
    """
    text = without_code(text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _LINK.sub(r"\1", text)
    text = _REMOVED.sub(" ", text)
    text = _MARKS.sub(" ", text)
    upper = sum(map(str.isupper, text))
    if upper * 2 > sum(map(str.isalpha, text)):
        text = text.lower()
    return text.strip()
