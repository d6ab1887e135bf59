"""What a recipe is trained and evaluated on: its sources, checked, encoded, drawn, packed, and counted."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from datasets import Dataset
from pydantic import ValidationError
from transformers import PreTrainedTokenizerBase

from schemas.base import Frozen
from schemas.errors import DatasetError, StorageError
from schemas.training import ConversationSource, CorpusSource, TrainingRecipe
from schemas.training_report import LanguageCost, Packing, SourceCount
from training import language_cost, packs
from training.chat_template import template_hash
from training.corpora import open_documents
from training.loss_mask import Encoded, Encoder, Left
from training.mixture import draws, held_out, limit
from training.packing import fill, pack
from training.processes import by_first
from training.publications import VALIDATION, open_conversations
from training.sequences import Sequences, SequenceWriter
from training.whole_file import write_whole

_PLAN = "plan.json"
_COST_TEXTS = 2000
_UNKNOWN = "und"  # the language, in ISO 639, of rows that were left out before it was known


class _Plan(Frozen):
    """What is kept beside the sequences: which of them are trained on in which packs, and which are held out."""

    fingerprint: str
    train: list[list[int]]
    held_out: dict[str, list[list[int]]]
    sources: tuple[SourceCount, ...]
    languages: tuple[LanguageCost, ...]
    packing: Packing
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Examples:
    """Packs to train on, and held-out packs by name, such as `conversations-eu`."""

    train: Dataset
    held_out: dict[str, Dataset]
    sources: tuple[SourceCount, ...]
    languages: tuple[LanguageCost, ...]
    packing: Packing
    warnings: tuple[str, ...]

    @property
    def pack_length(self) -> int:
        """Tokens of the mean pack."""
        tokens = sum(count.tokens for count in self.sources)
        return max(1, round(tokens / max(1, self.packing.packs)))


@dataclass
class _Kept:
    """The sequences of one mode and language of a source, by their places."""

    train: list[int] = field(default_factory=list)
    candidates: list[int] = field(default_factory=list)  # held out where the source has no validation split
    validation: list[int] = field(default_factory=list)
    read: int = 0
    truncated: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


def prepare(recipe: TrainingRecipe, tokenizer: PreTrainedTokenizerBase, folder: Path) -> Examples:
    """Encodes and packs the recipe's data into `folder`, or takes what an earlier sitting has prepared there.

    Raises InputError and DatasetError of the sources, DatasetError when nothing is left to train on, StorageError.
    """
    fingerprint = _fingerprint(recipe, tokenizer)
    plan = by_first(lambda: _read_plan(folder, fingerprint) or _prepared(recipe, tokenizer, folder, fingerprint))
    sequences = Sequences(folder)
    return Examples(
        train=packs.dataset(sequences, plan.train),
        held_out={name: packs.dataset(sequences, held) for name, held in plan.held_out.items()},
        sources=plan.sources,
        languages=plan.languages,
        packing=plan.packing,
        warnings=plan.warnings,
    )


def _prepared(recipe: TrainingRecipe, tokenizer: PreTrainedTokenizerBase, folder: Path, fingerprint: str) -> _Plan:
    """The plan is written last: without one, nothing in the folder is taken for whole."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
        plan = _Preparation(recipe, tokenizer, folder).run(fingerprint)
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written: {error.strerror or error}; free some space, or choose another output"
        ) from error
    write_whole(folder / _PLAN, plan.model_dump_json().encode())
    return plan


def _fingerprint(recipe: TrainingRecipe, tokenizer: PreTrainedTokenizerBase) -> str:
    vocabulary = hashlib.sha256(json.dumps(sorted(tokenizer.get_vocab().items())).encode()).hexdigest()
    decides = recipe.model_dump(mode="json", include={"data", "context", "languages"})
    decides |= {"seed": recipe.optimisation.seed, "vocabulary": vocabulary, "template": template_hash(tokenizer)}
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def _read_plan(folder: Path, fingerprint: str) -> _Plan | None:
    try:
        plan = _Plan.model_validate_json((folder / _PLAN).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return None
    return plan if plan.fingerprint == fingerprint else None


class _Preparation:
    """One pass over the sources."""

    def __init__(self, recipe: TrainingRecipe, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
        self._recipe, self._tokenizer, self._folder = recipe, tokenizer, folder
        self._encoder = Encoder(tokenizer, recipe.context)
        self._place = 0
        self._texts: dict[str, list[str]] = defaultdict(list)
        self._warnings: list[str] = []
        self._train: list[np.ndarray] = []
        self._held_out: dict[str, list[int]] = defaultdict(list)
        self._counts: list[tuple[SourceCount, np.ndarray]] = []

    def run(self, fingerprint: str) -> _Plan:
        data = self._recipe.data
        with SequenceWriter(self._folder) as writer:
            for number, conversations in enumerate(data.conversations):
                self._conversations(writer, conversations, f"data.conversations.{number}", evaluated=False)
            for number, corpus in enumerate(data.corpus):
                self._corpus(writer, corpus, f"data.corpus.{number}")
            for number, conversations in enumerate(data.held_out):
                self._conversations(writer, conversations, f"data.held_out.{number}", evaluated=True)
        sequences = Sequences(self._folder)
        lengths, learnt = sequences.lengths, sequences.learnt
        chosen = np.concatenate([np.empty(0, np.int64), *self._train]).astype(np.int64)
        if not len(chosen):
            raise DatasetError(f"data: nothing is left to train on; {'; '.join(self._warnings) or 'all is held out'}")
        packed = self._packed(lengths, chosen)
        costs = tuple(language_cost.cost(self._tokenizer, code, texts) for code, texts in sorted(self._texts.items()))
        told = [line for line in map(language_cost.warning, costs) if line is not None]
        return _Plan(
            fingerprint=fingerprint,
            train=packed,
            held_out={
                name: self._packed(lengths, np.asarray(places))
                for name, places in sorted(self._held_out.items())
                if places
            },
            sources=tuple(self._with_tokens(count, places, lengths, learnt) for count, places in self._counts),
            languages=costs,
            packing=fill(packed, lengths),
            warnings=(*self._warnings, *told),
        )

    def _packed(self, lengths: np.ndarray, places: np.ndarray) -> list[list[int]]:
        seed, context = self._recipe.optimisation.seed, self._recipe.context
        if not context.packing:
            order = np.random.default_rng(seed).permutation(len(places))
            return [[int(place)] for place in places[order]]
        return [places[indices].tolist() for indices in pack(lengths[places], context.max_length, seed)]

    def _conversations(
        self, writer: SequenceWriter, source: ConversationSource, where: str, *, evaluated: bool
    ) -> None:
        languages = self._recipe.languages if not evaluated else source.languages or self._recipe.languages
        rows = open_conversations(source, languages, where)
        kept: dict[tuple[str | None, str], _Kept] = defaultdict(_Kept)
        template_said = ""
        share = self._recipe.data.held_out_share
        for row in rows:
            part = kept[row.mode, row.language]
            part.read += 1
            candidate = held_out(row.id, share) or (evaluated and not share)
            if evaluated and row.split != VALIDATION and not candidate:
                continue
            encoded = self._encoder.conversation(row.messages)
            if isinstance(encoded, Left):
                part.dropped[encoded.reason] += 1
                template_said = template_said or encoded.detail
                continue
            part.truncated += encoded.truncated
            self._sample(row.language, (str(message["content"]) for message in row.messages))
            place = self._append(writer, encoded)
            if row.split == VALIDATION:
                part.validation.append(place)
            elif candidate:
                part.candidates.append(place)
            else:
                part.train.append(place)
        has_validation = any(part.validation for part in kept.values())
        for (mode, language), part in kept.items():
            if has_validation:
                part.train, part.candidates = sorted(part.train + part.candidates), []
            if evaluated:
                part.train = []
            self._held_out[f"conversations-{language}"] += part.validation + part.candidates
            self._count(source, "conversations", rows.name, rows.revision, mode, language, part, where)
        self._left_out(rows.name, rows.revision, "conversations", rows.left_out)
        if template_said:
            self._warnings.append(f"{where}: the chat template refused conversations: {template_said}")

    def _corpus(self, writer: SequenceWriter, source: CorpusSource, where: str) -> None:
        documents = open_documents(source, where)
        part = _Kept()
        for document in documents:
            part.read += 1
            self._sample(source.language, [document.text])
            pieces = [self._append(writer, piece) for piece in self._encoder.document(document.text)]
            kept = part.candidates if held_out(document.id, self._recipe.data.held_out_share) else part.train
            kept.extend(pieces)
        self._held_out[f"corpus-{source.language}"] += part.candidates
        self._count(source, "corpus", documents.name, documents.revision, None, source.language, part, where)
        self._left_out(documents.name, documents.revision, "corpus", documents.left_out)

    def _append(self, writer: SequenceWriter, encoded: Encoded) -> int:
        writer.append(encoded)
        self._place += 1
        return self._place - 1

    def _sample(self, language: str, texts: Iterator[str] | list[str]) -> None:
        known = self._texts[language]
        if len(known) < _COST_TEXTS:
            known.extend(texts)

    def _count(
        self,
        source: ConversationSource | CorpusSource,
        kind: str,
        name: str,
        revision: str | None,
        mode: str | None,
        language: str,
        part: _Kept,
        where: str,
    ) -> None:
        seed, key = self._recipe.optimisation.seed, f"{where} {mode} {language}"
        most = source.rows if isinstance(source, ConversationSource) else source.documents
        places = np.asarray(part.train, dtype=np.int64)
        places = places[limit(len(places), most, seed, key)]
        places = places[draws(len(places), source.weight, seed, key)]
        self._train.append(places)
        held = len(part.validation) + len(part.candidates)
        if part.dropped:
            told = ", ".join(f"{reason} {rows:,}" for reason, rows in part.dropped.most_common())
            self._warnings.append(f"{where}: {name}: {part.dropped.total():,} of {part.read:,} are left out: {told}")
        count = SourceCount(
            source=name,
            revision=revision,
            kind="conversations" if kind == "conversations" else "corpus",
            language=language,
            mode=mode,
            weight=source.weight,
            read=part.read,
            trained=len(places),
            held_out=held,
            dropped=dict(part.dropped),
            truncated=part.truncated,
        )
        self._counts.append((count, places))

    def _left_out(self, name: str, revision: str | None, kind: str, left_out: Counter[str]) -> None:
        """Rows that were left out before anything was known of them have a line of their own."""
        if left_out.total():
            count = SourceCount(
                source=name,
                revision=revision,
                kind="conversations" if kind == "conversations" else "corpus",
                language=_UNKNOWN,
                read=left_out.total(),
                dropped=dict(left_out),
            )
            self._counts.append((count, np.empty(0, np.int64)))

    def _with_tokens(
        self, count: SourceCount, places: np.ndarray, lengths: np.ndarray, learnt: np.ndarray
    ) -> SourceCount:
        tokens, loss_tokens = int(lengths[places].sum()), int(learnt[places].sum())
        return count.model_copy(update={"tokens": tokens, "loss_tokens": loss_tokens})
