"""What of a turn is language: code, maths, addresses and markup are taken out."""

from __future__ import annotations

import re

# A fence that is never closed runs to the end, as in CommonMark.
_FENCE = re.compile(
    r"^[ \t>]*(`{3,}(?!`)|~{3,}(?!~))[^\n]*\n.*?(?:^[ \t>]*\1[`~]*[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)
# Lengths are bounded so that thousands of opening marks without a closing one stay cheap.
_REMOVED = re.compile(
    r"""
      # HTML whose content is no prose
      <!--.{0,1000}?--> | <(script|style|pre|code)\b[^>]{0,300}>.{0,4000}?</\1\s*>
      # inline code
    | (`{1,2})(?!`)[^`\n]+\2
      # LaTeX; $...$ by pandoc's rule, so that prices stay
    | \$\$.{1,2000}?\$\$ | \\\[.{1,2000}?\\\] | \\\(.{1,2000}?\\\)
    | \\begin\{(\w{1,30}\*?)\}.{0,2000}?\\end\{\3\}
    | (?<![\\\w$])\$(?=[^\s$])[^$\n]{0,300}?(?<=[^\s\\])\$(?!\d)
      # HTML tags and characters
    | </?[A-Za-z][^<>\n]{0,300}>
    | &(?:[A-Za-z]{2,8}|\#\d{2,6});
      # addresses
    | (?:https?|ftp)://[^\s<>")\]]+ | \bwww\.[^\s<>")\]]+
    | (?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+
      # dotted names of programs (com.sun.star.util)
    | (?<![\w.])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*){2,}(?:\(\))?
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_LINK = re.compile(r"!?\[([^\[\]\n]{0,500})\]\([^)\n]{0,2000}\)")
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
