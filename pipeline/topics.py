"""Topics of steering that come from a corpus: the titles of its documents, else their first words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from pipeline.materials import FoundDataset
from schemas.errors import InputError

# More would give each too few drafts to be told apart, and are not read.
MOST_TOPICS = 10_000
_MOST_DOCUMENTS = 500_000
_TITLE_WORDS, _FIRST_WORDS = 12, 8
_CHARS = range(3, 101)
_SENTENCE_END = re.compile(r"[.!?…:;。।؟](?:\s|$)|\n")


def read_topics(materials: tuple[FoundDataset, ...]) -> dict[int, tuple[str, ...]]:
    """Those of steering.topics_from, by the mode's place in the recipe.

    The first MOST_TOPICS that are fit, in the order of the documents, each once. Raises InputError that names the
    field, DatasetError when the Hub fails.
    """
    return {int(found.path[1]): _read(found) for found in materials if found.path[-1] == "topics_from"}


def topic_of_title(title: str) -> str | None:
    """A title as a topic; None where it is too long, or hardly words."""
    return _fit(title, _TITLE_WORDS)


def topic_of_text(text: str) -> str | None:
    """The first sentence of a document as a topic, or its first words; None where these are hardly words."""
    start = text.lstrip()[:1000]
    sentence = _SENTENCE_END.split(start, maxsplit=1)[0]
    return _fit(" ".join(sentence.split()[:_FIRST_WORDS]), _FIRST_WORDS)


def _fit(text: str, most_words: int) -> str | None:
    words = text.strip(" \t\n\r#*=_-–—.,:;|>«»\"'").split()
    topic = " ".join(words)
    letters = sum(map(str.isalpha, topic))
    fits = len(words) <= most_words and len(topic) in _CHARS and 2 * letters > len(topic)
    return topic if fits and topic.isprintable() else None


def _read(found: FoundDataset) -> tuple[str, ...]:
    topics: dict[str, str] = {}
    for topic in islice(_topics(found), _MOST_DOCUMENTS):
        if topic is not None:
            topics.setdefault(topic.casefold(), topic)
        if len(topics) == MOST_TOPICS:
            break
    if not topics:
        raise InputError(
            f"{found.field}: none of the documents of {found.name} has a title, or first words, that make a topic;"
            " name another dataset, or another title_column"
        )
    return tuple(topics.values())


def _topics(found: FoundDataset) -> Iterator[str | None]:
    """Of each document, in their order."""
    for row in found.rows(0):
        title, text = row.values.get("title"), row.values.get("text")
        topic = topic_of_title(title) if isinstance(title, str) else None
        yield topic or (topic_of_text(text) if isinstance(text, str) else None)
