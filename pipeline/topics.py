"""Topics of steering that come from a corpus: the titles of its documents, else their first words."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import cast

from pipeline.filtering.files import DatasetInput, FoundFiles, find_splits
from pipeline.filtering.json_columns import from_column
from pipeline.filtering.row_batch import RowSource
from pipeline.filtering.source import open_source
from schemas.errors import DatasetError, InputError
from schemas.modes import Corpus, topics_from
from schemas.recipe import Recipe

# More would give each too few drafts to be told apart, and are not read.
MOST_TOPICS = 10_000
_MOST_DOCUMENTS = 500_000
_TITLE = "title"
_TITLE_WORDS, _FIRST_WORDS = 12, 8
_CHARS = range(3, 101)
_SENTENCE_END = re.compile(r"[.!?…:;。।؟](?:\s|$)|\n")
# What reads datasets names the options of `iturri filter`, which are fields here.
_OPTION = re.compile(r"--(\w+): ")


@dataclass(frozen=True, slots=True)
class CorpusTopics:
    """What was found for one mode. The dataset is named as it may be told: of a path only the last part."""

    dataset: str
    revision: str | None
    texts: tuple[str, ...]

    @property
    def content(self) -> str:
        """sha256 over the topics: all of the corpus that a draft can see."""
        return hashlib.sha256("\n".join(self.texts).encode()).hexdigest()


def read_topics(recipe: Recipe) -> dict[int, CorpusTopics]:
    """Those of steering.topics_from, by the mode's place in the recipe.

    The first MOST_TOPICS that are fit, in the order of the documents, each once. Raises InputError that names the
    field, DatasetError when the Hub fails.
    """
    found: dict[int, CorpusTopics] = {}
    for place, spec in enumerate(recipe.modes):
        if (corpus := topics_from(spec)) is not None:
            with _naming(f"modes.{place}.steering.topics_from"):
                found[place] = _read(corpus)
    return found


def texts_of(topics: Mapping[int, CorpusTopics]) -> dict[int, tuple[str, ...]]:
    return {place: one.texts for place, one in topics.items()}


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


def _read(corpus: Corpus) -> CorpusTopics:
    splits = find_splits(DatasetInput(corpus.dataset, corpus.config, corpus.split, corpus.revision))
    documents = (topic for split in splits for topic in _topics(corpus, split))
    topics: dict[str, str] = {}
    for topic in islice(documents, _MOST_DOCUMENTS):
        if topic is not None:
            topics.setdefault(topic.casefold(), topic)
        if len(topics) == MOST_TOPICS:
            break
    if not topics:
        raise InputError(f"{corpus.dataset}: none of its documents has a title, or first words, that make a topic")
    about = splits[0].about
    name = about.repository or Path(corpus.dataset).name or corpus.dataset
    return CorpusTopics(name, about.revision, tuple(topics.values()))


def _topics(corpus: Corpus, split: FoundFiles) -> Iterator[str | None]:
    """Of each document, in their order."""
    source = cast(RowSource, open_source(split, lambda: False))  # None only where it is told to stop
    names = source.schema.names
    column = corpus.title_column or (_TITLE if _TITLE in names else corpus.text_column)
    if column not in names:
        field = "title_column" if corpus.title_column is not None else "text_column"
        raise InputError(f"--{field}: {corpus.dataset} has no column {column!r}; it has: {', '.join(names)}")
    make = topic_of_text if column == corpus.text_column else topic_of_title
    for batch in source.batches(0):
        try:
            values = from_column(batch.rows.column(column))
        except (ValueError, RecursionError) as error:
            raise InputError(f"its column {column!r} cannot be read ({error})") from error
        yield from (make(value) if isinstance(value, str) else None for value in values)


@contextmanager
def _naming(field: str) -> Iterator[None]:
    """What is wrong with a corpus is said with its field."""
    try:
        yield
    except (InputError, DatasetError) as error:
        text = str(error)
        option = _OPTION.match(text)
        where = f"{field}.{option[1]}: {text[option.end() :]}" if option else f"{field}: {text}"
        raise type(error)(where) from error
