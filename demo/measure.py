"""How much the demo backbone recites, and how well it predicts: prints JSON.

`python -m demo.measure CONVERSATIONS --corpus DIR`, where CONVERSATIONS is a build or publication (a folder of Parquet
files), a Parquet file, or a JSONL file of rows with `messages`. The training conversations are made again from the
recipe's seed, so nothing of them need be kept. Without --corpus those that quote it are left out of the comparison.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from demo.corpus import Corpus
from demo.train import LANGUAGE, RECIPE, BackboneRecipe, Documents, read_recipe

LONG_REPLY_WORDS = 8
Conversation = tuple[str, ...]


def read_conversations(path: Path) -> list[Conversation]:
    """The turns of every row, user first; system messages are no part of a conversation."""
    conversations = []
    for row in _rows(path):
        turns = tuple(message["content"] for message in row["messages"] if message["role"] != "system")
        if turns:
            conversations.append(turns)
    if not conversations:
        raise SystemExit(f"{path} holds no conversations: expected rows with `messages`, as JSONL or Parquet")
    return conversations


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if path.suffix == ".jsonl":
        yield from (json.loads(line) for line in path.read_text().splitlines() if line.strip())
        return
    import pyarrow.parquet as pq

    for file in sorted(path.rglob("*.parquet")) if path.is_dir() else [path]:
        yield from pq.read_table(file, columns=["messages"]).to_pylist()


class Seen:
    """What was trained on, as short hashes: every reply, and every conversation cut after any of its replies."""

    def __init__(self, conversations: Iterable[Conversation]) -> None:
        self._hashes: set[bytes] = set()
        self.conversations = 0
        for turns in conversations:
            self.conversations += 1
            for end in range(2, len(turns) + 1, 2):
                self._hashes.add(_hash(turns[:end]))
                self._hashes.add(_hash(turns[end - 1 : end]))

    def __contains__(self, turns: Conversation) -> bool:
        return _hash(turns) in self._hashes


def _hash(turns: Conversation) -> bytes:
    return blake2b("\x1e".join((str(len(turns)), *turns)).encode(), digest_size=12).digest()


def copies(sampled: Sequence[Conversation], seen: Seen) -> dict[str, float | int]:
    """The shares that are exact copies of training ones."""
    replies = [turns[i : i + 1] for turns in sampled for i in range(1, len(turns), 2)]
    long_replies = [reply for reply in replies if len(reply[0].split()) >= LONG_REPLY_WORDS]
    copied = sum(turns[: len(turns) // 2 * 2] in seen for turns in sampled)
    copied_replies = sum(reply in seen for reply in long_replies)
    return {
        "conversations": len(sampled),
        "copied_conversations": copied,
        "share_of_conversations_copied": round(copied / len(sampled), 4),
        "long_replies": len(long_replies),
        "copied_long_replies": copied_replies,
        "share_of_long_replies_copied": round(copied_replies / max(1, len(long_replies)), 4),
        "distinct_first_turns": len({turns[0] for turns in sampled}),
    }


def training_conversations(recipe: BackboneRecipe, corpus: Corpus | None) -> Iterator[Conversation]:
    documents = Documents(recipe, corpus)
    for index in range(recipe.documents):
        turns = documents.turns(index)
        if len(turns) > 1:
            yield turns


def held_out(recipe: BackboneRecipe, corpus: Corpus, model: Path, count: int) -> dict[str, float | int]:
    """Loss on conversations of the same making, none of which was trained on: their turns, nats per token."""
    from schemas.training import TrainingRecipe
    from training.run import measure

    with tempfile.TemporaryDirectory() as folder:
        Documents(recipe, corpus).write(Path(folder), range(count), held_out=True)
        rows = [{"source": f"{folder}/conversations.jsonl"}]
        told = {
            "name": "measure",
            "model": str(model),
            "languages": [LANGUAGE],
            "data": {"conversations": rows, "held_out": rows, "held_out_share": 0},
            "context": recipe.training["context"],
        }
        (loss,) = measure(TrainingRecipe.model_validate(told), Path(folder) / "data")
    return {"held_out_conversations": loss.sequences, "held_out_loss_nats_per_token": round(loss.before, 4)}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("conversations", type=Path)
    parser.add_argument("--corpus", type=Path, help="the folder of plain text the backbone was trained with")
    parser.add_argument("--recipe", type=Path, default=RECIPE)
    parser.add_argument("--model", type=Path, default=Path(__file__).with_name("iturri-demo-eu"))
    parser.add_argument("--held-out", type=int, default=500, help="documents for the held-out loss; 0 leaves it out")
    options = parser.parse_args(arguments)
    recipe = read_recipe(options.recipe)
    corpus = Corpus(options.corpus) if options.corpus else None
    seen = Seen(training_conversations(recipe, corpus))
    report: dict[str, Any] = copies(read_conversations(options.conversations), seen)
    report |= {"training_conversations": seen.conversations, "with_corpus": corpus is not None}
    if corpus and options.held_out:
        report |= held_out(recipe, corpus, options.model, options.held_out)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
