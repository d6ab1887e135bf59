"""Passages: parts of a document that can stand as a reply, cut between its paragraphs and nowhere else if possible."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, NamedTuple

import regex

# Raised when the same document would be cut in another way: passages are numbered, and a build counts on them.
RULES = 1

HEADING_CHARS = 100
HEADING_WORDS = 14
# Of the characters that are no spaces, the share that letters make at least: less is a table, numbers, a rule.
LETTERS_SHARE = 0.5
# Of a block's characters, the share that addresses and links make at most.
LINKS_SHARE = 0.4
# A menu: so many lines or more of so few words, or so many parts of one line.
MENU_LINES = 5
MENU_WORDS = 3
MENU_PARTS = 4
# What a site says of itself stands in short blocks.
NOTICE_CHARS = 600
# An article about them names them more often.
COOKIES = 4

_BLANK = regex.compile(r"\r?\n(?:[ \t\u00a0]*\r?\n)+")
_LINE = regex.compile(r"\r?\n")
_LETTERS = regex.compile(r"[\p{L}\p{M}]+")
_SPACES = regex.compile(r"\s+")
_ITEM = regex.compile(r"[ \t]*(?:[-*+•‣◦▪·]|\d{1,3}[.)]|\p{L}\))[ \t]+\S")
_MARKED = regex.compile(r"[ \t]*(?:#{1,6}[ \t]|={1,6}[^=\n]+={1,6}[ \t]*$)")
_LINK = regex.compile(r"\[[^\[\]\n]{0,300}\]\([^)\n]{0,1000}\)|(?:https?|ftp)://\S+|\bwww\.\S+")
_PARTS = regex.compile(r"\s*[|»›•·▸→]\s*|\s+/\s+|\t+")
_REFERENCE = regex.compile(r"[ \t]*(?:\[\d{1,4}\]|[↑^]|\(?doi:|ISBN|ISSN)", regex.IGNORECASE)
# A sentence ends; what follows is no small letter. It goes on after an ordinal ("XX. mendea"), an initial, "Dr.".
_END = regex.compile(
    r"(?:(?<!\b(?:\p{Nd}+|\p{Lu}\p{L}{0,2}))\.|[!?…]|\.{2,})[\"'»”’)\]]*\s+(?=[^\p{Ll}\s])|[。！？]+[」』”’）]*\s*"
)

Kind = Literal["prose", "list", "heading", "none"]


class Passage(NamedTuple):
    """`document[start:end]` is its text."""

    start: int
    end: int
    text: str


class _Block(NamedTuple):
    start: int
    end: int
    kind: Kind


def passages(document: str, min_chars: int, max_chars: int) -> Iterator[Passage]:
    """The passages of a document, in order, none overlapping; each has min_chars to max_chars characters.

    A document that fits is one. Longer ones are cut between paragraphs into parts of about the same length; a heading
    stays with what follows it, a list is not torn apart, and a paragraph that does not fit is cut between sentences.
    What does not fit even so is passed over, and so are menus, lists of links, cookie banners, tables of numbers and
    references, wherever they stand; a passage never reaches over them.
    """
    for run in _runs(document, _blocks(document), max_chars):
        for start, end in _packed(run, max_chars):
            if end - start >= min_chars:
                yield Passage(start, end, document[start:end])


def _runs(document: str, blocks: list[_Block], max_chars: int) -> Iterator[list[tuple[int, int]]]:
    """Units that belong together, one after the other; between two runs lies what is passed over."""
    run: list[tuple[int, int]] = []
    for start, end, kind in _units(document, blocks):
        if kind != "none" and end - start <= max_chars:
            run.append((start, end))
            continue
        yield run
        run = []
        if kind == "prose":
            yield from _sentence_runs(document, start, end, max_chars)
    yield run


def _units(document: str, blocks: list[_Block]) -> Iterator[_Block]:
    """Blocks with their headings, and lists with the line that leads to them."""
    heading: int | None = None
    held: _Block | None = None
    for block in blocks:
        if block.kind == "heading":
            if held is not None:
                yield held
                held = None
            heading = block.start if heading is None else heading
            continue
        start = block.start if heading is None or block.kind == "none" else heading
        heading = None
        if held is not None and start == block.start and _belongs(document, held, block):
            held = _Block(held.start, block.end, block.kind)
            continue
        if held is not None:
            yield held
        held = _Block(start, block.end, block.kind)
    if held is not None:
        yield held


def _belongs(document: str, before: _Block, block: _Block) -> bool:
    """Whether a list goes on, or is led to by a line that ends in a colon."""
    if block.kind != "list":
        return False
    return before.kind == "list" or (
        before.kind == "prose" and document[before.start : before.end].endswith((":", "："))
    )


def _sentence_runs(document: str, start: int, end: int, max_chars: int) -> Iterator[list[tuple[int, int]]]:
    """The sentences of a paragraph that is too long; one that is too long itself is passed over."""
    run: list[tuple[int, int]] = []
    at = start
    bounds = [found.end() for found in _END.finditer(document, start, end)]
    for bound in (*bounds, end):
        sentence = (at, at + len(document[at:bound].rstrip()))
        if sentence[1] - at > max_chars:
            yield run
            run = []
        elif sentence[1] > at:
            run.append(sentence)
        at = bound
    yield run


def _packed(run: list[tuple[int, int]], max_chars: int) -> Iterator[tuple[int, int]]:
    """Units joined into parts of about the same length, as few as fit."""
    if not run:
        return
    total = run[-1][1] - run[0][0]
    wanted = total / math.ceil(total / max_chars)
    start, end = run[0]
    for unit in run[1:]:
        if unit[1] - start > max_chars or end - start >= wanted:
            yield start, end
            start = unit[0]
        end = unit[1]
    yield start, end


def _blocks(document: str) -> list[_Block]:
    """The paragraphs with their kinds. Where most would be headings, none is: verse, subtitles."""
    few = document.lower().count("cookie") <= COOKIES
    found = [_Block(start, end, _kind(document[start:end], few)) for start, end in _paragraphs(document)]
    found = _without_menus(document, found)
    if 2 * sum(block.kind == "heading" for block in found) > sum(block.kind != "none" for block in found):
        return [block._replace(kind="prose") if block.kind == "heading" else block for block in found]
    return found


def _paragraphs(document: str) -> Iterator[tuple[int, int]]:
    """What stands between blank lines; without any, the lines, but for those that break off in a sentence."""
    if _BLANK.search(document) is not None:
        yield from _stripped(document, [found.span() for found in _BLANK.finditer(document)])
        return
    lines = list(_stripped(document, [found.span() for found in _LINE.finditer(document)]))
    held: tuple[int, int] | None = None
    for start, end in lines:
        if held is not None and _goes_on(document[held[1] - 1], document[start]):
            held = held[0], end
            continue
        if held is not None:
            yield held
        held = start, end
    if held is not None:
        yield held


def _goes_on(last: str, first: str) -> bool:
    """Whether a line goes on in the next one: by the last character of one and the first of the other."""
    return first.islower() and (last.isalpha() or last in ",;-")


def _stripped(document: str, gaps: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """What lies between gaps, without the spaces around it."""
    at = 0
    for start, end in (*gaps, (len(document), len(document))):
        piece = document[at:start]
        text = piece.strip()
        if text:
            first = at + len(piece) - len(piece.lstrip())
            yield first, first + len(text)
        at = end


def _kind(text: str, few_cookies: bool) -> Kind:
    lines = _LINE.split(text)
    if _is_boilerplate(text, lines, few_cookies):
        return "none"
    if 2 * sum(_ITEM.match(line) is not None for line in lines) >= len(lines):
        return "list"
    if len(lines) == 1 and _is_heading(text):
        return "heading"
    return "prose"


def _is_heading(text: str) -> bool:
    if _MARKED.match(text):
        return True
    short = len(text) <= HEADING_CHARS and len(text.split()) <= HEADING_WORDS
    return short and (text[-1].isalnum() or text[-1] in ")\"»”'*_")


def _is_boilerplate(text: str, lines: list[str], few_cookies: bool) -> bool:
    solid = len(_SPACES.sub("", text))
    if sum(map(len, _LETTERS.findall(text))) < LETTERS_SHARE * solid:
        return True
    if sum(map(len, _LINK.findall(text))) > LINKS_SHARE * len(text):
        return True
    if 2 * sum(_REFERENCE.match(line) is not None for line in lines) >= len(lines):
        return True
    if len(text) <= NOTICE_CHARS and ("©" in text or (few_cookies and "cookie" in text.lower())):
        return True
    if len(lines) >= MENU_LINES and all(_is_short(line) and not _ITEM.match(line) for line in lines):
        return True
    parts = [part for part in _PARTS.split(text) if part] if len(lines) == 1 else []
    return len(parts) >= MENU_PARTS and all(_is_short(part) for part in parts)


def _is_short(line: str) -> bool:
    """Whether a line is as those of a menu are: few words, and no sentence."""
    text = line.strip()
    return len(text.split()) <= MENU_WORDS and not text.endswith((".", "!", "?", "…", ":", "。", "！", "？"))


def _without_menus(document: str, blocks: list[_Block]) -> list[_Block]:
    """The same where short lines that stand alone, one after the other, are menus too."""
    found = list(blocks)
    first = 0
    for place in range(len(found) + 1):
        if place < len(found) and found[place].kind == "heading":
            text = document[found[place].start : found[place].end]
            if _is_short(text) and not _MARKED.match(text):
                continue
        if place - first >= MENU_LINES:
            found[first:place] = [block._replace(kind="none") for block in found[first:place]]
        first = place + 1
    return found
