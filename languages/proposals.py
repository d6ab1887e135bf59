"""What of a language pack a corpus can propose, for a speaker to go through."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from languages.words import WORD

FUNCTION_WORDS = 70
OPENERS = 40
EXAMPLES = 12
# Longer words seldom carry grammar; words with capitals inside a line are names.
LONGEST_FUNCTION_WORD = 7
MOSTLY = 0.8
# Rarer than this it is chance.
LEAST = 3
OPENER_WORDS = 3
EXAMPLE_WORDS = range(4, 16)
_QUESTION_MARKS = ("?", "？", "؟")
# An example with one of these quotes, counts or enumerates.
_ODD = frozenset('0123456789"«»“”„()[]:;…')


@dataclass(frozen=True, slots=True)
class Proposals:
    """Each may be empty: a corpus without questions has neither openers nor examples."""

    function_words: tuple[str, ...]
    openers: tuple[str, ...]
    example_turns: tuple[str, ...]


def propose(lines: Sequence[str]) -> Proposals:
    """Propose texts from lines of a language; the same lines give the same proposals."""
    questions = [line for line in lines if line.endswith(_QUESTION_MARKS) and _begins_a_sentence(line)]
    return Proposals(_function_words(lines), _openers(questions), _examples(questions))


def _function_words(lines: Sequence[str]) -> tuple[str, ...]:
    """Short words that are in more lines than others, and mostly in lower case where they do not begin a line."""
    in_lines: Counter[str] = Counter()
    inside: Counter[str] = Counter()
    lower: Counter[str] = Counter()
    for line in lines:
        words = WORD.findall(line)
        in_lines.update({word.lower() for word in words})
        for word in words[1:]:
            inside[word.lower()] += 1
            lower[word.lower()] += _is_lower(word)
    found = [
        word
        for word, count in _by_count(in_lines)
        if count >= LEAST and len(word) <= LONGEST_FUNCTION_WORD and lower[word] >= MOSTLY * max(1, inside[word])
    ]
    return tuple(found[:FUNCTION_WORDS])


def _openers(questions: Sequence[str]) -> tuple[str, ...]:
    """How questions begin. A beginning that mostly goes on in the same way is left to the longer one."""
    counts = Counter(beginning for question in questions for beginning in _beginnings(question))
    longer: dict[str, int] = {}
    for beginning, count in counts.items():
        head = beginning.rpartition(" ")[0]
        longer[head] = max(count, longer.get(head, 0))
    found = [
        beginning
        for beginning, count in _by_count(counts)
        if count >= LEAST and longer.get(beginning, 0) < MOSTLY * count
    ]
    return tuple(found[:OPENERS])


def _beginnings(question: str) -> Iterator[str]:
    """The first words, as long as nothing but letters ends them and something follows."""
    words = question.split()
    for count in range(1, min(OPENER_WORDS + 1, len(words))):
        if not words[count - 1][-1].isalpha():
            return
        yield " ".join(words[:count])


def _examples(questions: Sequence[str]) -> tuple[str, ...]:
    """Plain questions without names, no two of which begin alike, those that begin as most questions do first."""
    by_beginning: dict[str, list[str]] = defaultdict(list)
    for question in questions:
        words = WORD.findall(question)
        if len(words) in EXAMPLE_WORDS and not _ODD & set(question) and all(map(_is_lower, words[1:])):
            by_beginning[" ".join(words[:2]).lower()].append(question)
    most = sorted(by_beginning.values(), key=lambda found: (-len(found), found[0]))
    return tuple(found[0] for found in most[:EXAMPLES])


def _by_count(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _begins_a_sentence(line: str) -> bool:
    first = line.lstrip("¿")[:1]
    return first.isalpha() and not first.islower()


def _is_lower(word: str) -> bool:
    """Also where the script knows no capitals."""
    return word == word.lower()
