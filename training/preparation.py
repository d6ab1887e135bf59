"""One pass over a recipe's sources: checked, encoded, held out or drawn, and counted."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
from transformers import PreTrainedTokenizerBase

from schemas.training import ConversationSource, CorpusSource, TrainingRecipe
from schemas.training_report import LanguageCost, SourceCount
from training import language_cost
from training.corpora import Documents, open_documents
from training.loss_mask import Encoded, Encoder, Left
from training.mixture import content_of, draws, held_out, limit
from training.publications import VALIDATION, Conversations, Row, open_conversations
from training.sequences import SequenceWriter

_COST_TEXTS = 2000
_UNKNOWN = "und"  # the language, in ISO 639, of rows that were left out before it was known


@dataclass
class _Part:
    """What one mode and language of a source gave; its sequences by their places."""

    train: list[int] = field(default_factory=list)
    held_out: list[int] = field(default_factory=list)
    read: int = 0
    truncated: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


class _Drawn(NamedTuple):
    """The places that a part gives to an epoch, repeats among them, with what errors call it and its line in the
    counts."""

    places: np.ndarray
    name: str
    line: int


class Preparation:
    """`train` and `held_out` are places in what the writer writes: those of an epoch, repeats among them, and those
    that are never trained on, by the name of their set."""

    def __init__(self, recipe: TrainingRecipe, tokenizer: PreTrainedTokenizerBase, writer: SequenceWriter) -> None:
        self._recipe, self._tokenizer, self._writer = recipe, tokenizer, writer
        self._encoder = Encoder(tokenizer, recipe.context)
        self._texts: dict[str, list[str]] = defaultdict(list)
        self._digests = array("Q")  # of each sequence's ids, by its place
        self._drawn: list[_Drawn] = []
        self.train: list[int] = []
        self.held_out: dict[str, list[int]] = defaultdict(list)
        self.sources: list[SourceCount] = []
        self.warnings: list[str] = []

    def run(self) -> None:
        """Raises InputError and DatasetError of the sources, OSError when the disk refuses."""
        data = self._recipe.data
        for number, conversations in enumerate(data.conversations):
            self._conversations(conversations, f"data.conversations.{number}", evaluated=False)
        for number, corpus in enumerate(data.corpus):
            self._corpus(corpus, f"data.corpus.{number}")
        for number, conversations in enumerate(data.held_out):
            self._conversations(conversations, f"data.held_out.{number}", evaluated=True)
        self._mix()
        self.warnings += self._lacks()

    def costs(self) -> tuple[LanguageCost, ...]:
        """Of each language, measured on its first texts."""
        return tuple(language_cost.cost(self._tokenizer, code, texts) for code, texts in sorted(self._texts.items()))

    def _conversations(self, source: ConversationSource, where: str, *, evaluated: bool) -> None:
        languages = self._recipe.languages if not evaluated else source.languages or self._recipe.languages
        rows = open_conversations(source, languages, where)
        parts: dict[tuple[str | None, str], _Part] = defaultdict(_Part)
        template_said = ""
        for row in rows:
            part = parts[row.mode, row.language]
            part.read += 1
            held = self._is_held_out(row, source, evaluated=evaluated)
            if evaluated and not held:
                continue
            encoded = self._encoder.conversation(row.messages)
            if isinstance(encoded, Left):
                part.dropped[encoded.reason] += 1
                template_said = template_said or encoded.detail
                continue
            part.truncated += encoded.truncated
            self._sample(row.language, (str(message["content"]) for message in row.messages))
            (part.held_out if held else part.train).append(self._append(encoded))
        for (mode, language), part in parts.items():
            self._count("conversations", rows, source, part, mode=mode, language=language, where=where)
        self._left_out("conversations", rows)
        if template_said:
            self.warnings.append(f"{where}: the chat template refused conversations: {template_said}")

    def _is_held_out(self, row: Row, source: ConversationSource, *, evaluated: bool) -> bool:
        """By the validation split of its config where that has one."""
        if row.parted:
            return row.split == VALIDATION
        share = source.share if evaluated else self._recipe.data.held_out_share
        return share is None or held_out(content_of(row.messages), share)

    def _corpus(self, source: CorpusSource, where: str) -> None:
        documents = open_documents(source, where)
        part = _Part()
        for document in documents:
            part.read += 1
            self._sample(source.language, [document.text])
            held = held_out(document.text, self._recipe.data.held_out_share)
            pieces: list[Encoded] = self._encoder.document(document.text)
            (part.held_out if held else part.train).extend(map(self._append, pieces))
        self._count("corpus", documents, source, part, mode=None, language=source.language, where=where)
        self._left_out("corpus", documents)

    def _append(self, sequence: Encoded) -> int:
        """Gives the sequence's place."""
        ids = np.asarray(sequence.ids, dtype=np.int32).tobytes()
        self._digests.append(int.from_bytes(hashlib.blake2b(ids, digest_size=8).digest(), "big"))
        return self._writer.append(sequence)

    def _mix(self) -> None:
        """Gives an epoch what was drawn, but for sequences that equal a held-out one, of this or another source."""
        digests = np.array(self._digests, dtype=np.uint64)
        lengths, learnt = self._writer.lengths, self._writer.learnt
        held = digests[[place for places in self.held_out.values() for place in places]]
        taken: Counter[str] = Counter()
        for places, name, line in self._drawn:
            equal = np.isin(digests[places], held)
            taken[name] += len(np.unique(places[equal]))
            kept = places[~equal]
            self.train += kept.tolist()
            trained = {
                "trained": len(kept),
                "tokens": int(lengths[kept].sum()),
                "loss_tokens": int(learnt[kept].sum()),
            }
            self.sources[line] = self.sources[line].model_copy(update=trained)
        self.warnings += [
            f"{name}: {count:,} sequences equal held-out ones, and are not trained on"
            for name, count in taken.items()
            if count
        ]

    def _lacks(self) -> Iterator[str]:
        """What was asked for and is not there."""
        taught = {(one.kind, one.language) for one in self.sources if one.trained}
        for place, language in enumerate(self._recipe.languages):
            if taught and not any(language == known for _, known in taught):
                yield f"languages.{place}: nothing in {language} is trained on"
        for kind, language in sorted(taught):
            if self._recipe.data.held_out_share and not self.held_out[f"{kind}-{language}"]:
                yield (
                    f"data.held_out_share: nothing of {kind}-{language} is held out, so its loss will not be known; "
                    "raise it"
                )

    def _sample(self, language: str, texts: Iterable[str]) -> None:
        if len(self._texts[language]) < _COST_TEXTS:
            self._texts[language].extend(texts)

    def _count(
        self,
        kind: Literal["conversations", "corpus"],
        rows: Conversations | Documents,
        source: ConversationSource | CorpusSource,
        part: _Part,
        *,
        mode: str | None,
        language: str,
        where: str,
    ) -> None:
        seed, key = self._recipe.optimisation.seed, f"{where} {mode} {language}"
        most = source.rows if isinstance(source, ConversationSource) else source.documents
        drawn = np.asarray(part.train, dtype=np.int64)
        drawn = drawn[limit(len(drawn), most, seed, key)]
        drawn = drawn[draws(len(drawn), source.weight, seed, key)]
        self._drawn.append(_Drawn(drawn, f"{where}: {rows.name}", len(self.sources)))
        self.held_out[f"{kind}-{language}"] += part.held_out
        if part.dropped:
            told = ", ".join(f"{reason} {count:,}" for reason, count in part.dropped.most_common())
            self.warnings.append(
                f"{where}: {rows.name}: {part.dropped.total():,} of {part.read:,} are left out: {told}"
            )
        if part.train and not len(drawn):
            self.warnings.append(
                f"{where}: {rows.name}: weight {source.weight:g} draws none of {len(part.train):,} sequences"
            )
        self.sources.append(
            SourceCount(
                source=rows.name,
                revision=rows.revision,
                kind=kind,
                language=language,
                mode=mode,
                weight=source.weight,
                read=part.read,
                held_out=len(part.held_out),
                dropped=dict(part.dropped),
                truncated=part.truncated,
            )
        )

    def _left_out(self, kind: Literal["conversations", "corpus"], rows: Conversations | Documents) -> None:
        """Rows that were left out before anything was known of them have a line of their own."""
        if rows.left_out.total():
            self.sources.append(
                SourceCount(
                    source=rows.name,
                    revision=rows.revision,
                    kind=kind,
                    language=_UNKNOWN,
                    read=rows.left_out.total(),
                    dropped=dict(rows.left_out),
                )
            )
