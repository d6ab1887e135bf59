"""How well and how fast the language filter tells a language, on labelled sets; each detector beside the others.

Takes JSONL files whose rows are sentences ({"text", "lang"}) or conversations ({"turns": [{"role", "content"}],
"label": "keep" or "drop", and where known "category" and "policy_dependent"}). A sentence is judged as a conversation
of one turn. Prints JSON.

    python -m benchmarks.language SET.jsonl... [--language eu] [--detectors arbitrated langdetect ...] [--seconds 20]
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

from filters.chain import walk
from filters.language import LanguageJudge
from languages.loader import load_pack
from languages.pack import LanguagePack
from languages.words import words_of
from pipeline.judging import Gates
from schemas.conversation import Draft, Gate, Turn
from schemas.filters import DetectorName, Filters, LanguageFilter
from schemas.settings import Settings
from schemas.verdict import Drop

IN_FLIGHT = 512
LENGTHS = {
    "up to 5 words": (0, 5),
    "6 to 15 words": (6, 15),
    "more than 15 words": (16, 1 << 30),
    "6 words and more": (6, 1 << 30),
}


def draft(contents: Iterable[str], language: str) -> Draft:
    """User turn, reply, user turn, reply, ..."""
    turns = tuple(
        Turn(
            role="assistant" if index % 2 else "user",
            content=content,
            finish_reason="stop",
            language=language,
            prompt_tokens=0,
            completion_tokens=0,
        )
        for index, content in enumerate(contents)
    )
    return Draft(id="0", index=0, mode="magpie", language=language, turns=turns)


def steps(whole: Draft) -> Iterator[tuple[Draft, Gate]]:
    """A conversation at each of its gates, as a build walks it."""
    for count in range(1, len(whole.turns) + 1):
        yield whole.model_copy(update={"turns": whole.turns[:count]}), Gate.USER_TURN if count % 2 else Gate.REPLY
    yield whole, Gate.CONVERSATION


class Score:
    """Precision and recall of what is kept."""

    def __init__(self) -> None:
        self.kept_right = self.kept_wrong = self.dropped_wrong = self.rows = 0

    def add(self, kept: bool, wanted: bool) -> None:
        self.rows += 1
        self.kept_right += kept and wanted
        self.kept_wrong += kept and not wanted
        self.dropped_wrong += not kept and wanted

    def as_json(self) -> dict[str, Any]:
        kept, wanted = self.kept_right + self.kept_wrong, self.kept_right + self.dropped_wrong
        return {
            "rows": self.rows,
            "precision": round(self.kept_right / kept, 4) if kept else None,
            "recall": round(self.kept_right / wanted, 4) if wanted else None,
            "kept_wrong": self.kept_wrong,
            "dropped_wrong": self.dropped_wrong,
        }


def accuracy(rows: list[dict[str, Any]], judge: LanguageJudge) -> dict[str, Any]:
    """One set: by length for sentences, by category for conversations. Gibberish is scored apart."""
    scores: dict[str, Score] = {}
    wrong: Counter[str] = Counter()
    gibberish = Score()
    clean = clean_as_gibberish = 0
    code = judge.languages[0].code
    for row in rows:
        contents = [turn["content"] for turn in row["turns"]] if "turns" in row else [row["text"]]
        found = walk([judge], draft(contents, code))
        kept = not isinstance(found, Drop)
        wanted = row["label"] == "keep" if "label" in row else row["lang"] == code
        if row.get("category") == "gibberish":
            gibberish.add(kept, wanted)
        if row.get("policy_dependent"):
            continue
        clean += wanted
        clean_as_gibberish += wanted and isinstance(found, Drop) and found.reason == "language.gibberish"
        names = ["all"]
        if "text" in row and "turns" not in row:
            count = row.get("words", len(words_of(row["text"])))
            names += [name for name, (least, most) in LENGTHS.items() if least <= count <= most]
            names += [f"{row['kind']}"] if "kind" in row else []
        for name in names:
            scores.setdefault(name, Score()).add(kept, wanted)
        if kept != wanted:
            wrong[f"{'kept' if kept else 'dropped'} {row.get('category') or row.get('lang')}"] += 1
    result: dict[str, Any] = {name: score.as_json() for name, score in scores.items()}
    result["wrong"] = dict(wrong.most_common())
    if gibberish.rows:
        result["gibberish"] = {"rows": gibberish.rows, "dropped": gibberish.rows - gibberish.kept_wrong}
    result["clean_dropped_as_gibberish"] = round(clean_as_gibberish / clean, 5) if clean else None
    return result


class Callbacks:
    """How long each callback of the event loop ran, in milliseconds."""

    def __init__(self) -> None:
        self.milliseconds: list[float] = []

    def __enter__(self) -> Callbacks:
        self._run = asyncio.Handle._run
        durations, run = self.milliseconds, self._run

        def timed(handle: Any) -> None:
            started = time.perf_counter()
            run(handle)
            durations.append((time.perf_counter() - started) * 1000)

        asyncio.Handle._run = timed  # type: ignore[assignment,method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.Handle._run = self._run  # type: ignore[method-assign]

    def percentile(self, share: float) -> float:
        ordered = sorted(self.milliseconds)
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)


def texts_for_speed(sets: Iterable[list[dict[str, Any]]], language: str) -> Iterator[list[str]]:
    """The conversations of the sets, and two exchanges of every four sentences in the language: much fresh text."""
    sentences = []
    for row in itertools.chain.from_iterable(sets):
        if "turns" in row:
            yield [turn["content"] for turn in row["turns"]]
        elif row["lang"] == language:
            sentences.append(row["text"])
    yield from (sentences[start : start + 4] for start in range(0, len(sentences) - 3, 4))


async def speed(conversations: list[list[str]], filters: Filters, pack: LanguagePack, seconds: float) -> dict[str, Any]:
    """Conversations a second through every gate of a build, with a process for each core."""
    drafts = [draft(contents, pack.code) for contents in conversations]
    done = 0
    async with Gates(filters, pack, workers=os.cpu_count() or 1) as gates:

        async def walk(index: int) -> None:
            whole = drafts[index % len(drafts)].model_copy(update={"id": str(index)})
            for part, gate in steps(whole):
                if isinstance(await gates.judge(part, gate), Drop):
                    break
            gates.release(whole.id)

        async def worker(first: int, until: float) -> None:
            nonlocal done
            index = first
            while time.perf_counter() < until:
                await walk(index)
                index += IN_FLIGHT
                done += 1

        # Starts the processes, and loads what the filters need.
        await asyncio.gather(*(walk(index) for index in range(IN_FLIGHT)))
        with Callbacks() as callbacks:
            started = time.perf_counter()
            await asyncio.gather(*(worker(index, started + seconds) for index in range(IN_FLIGHT)))
            took = time.perf_counter() - started
    return {
        "conversations_per_second": round(done / took),
        "callback_ms_p99.9": callbacks.percentile(0.999),
        "callback_ms_max": callbacks.percentile(1.0),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--language", default="eu")
    parser.add_argument("--detectors", nargs="+", default=list(get_args(DetectorName)))
    parser.add_argument("--seconds", type=float, default=20, help="for each measurement of speed; 0: none")
    options = parser.parse_args()
    pack = load_pack(options.language, Settings().languages)
    sets = {path: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] for path in options.sets}
    conversations = list(texts_for_speed(sets.values(), pack.code))
    report: dict[str, Any] = {"language": pack.code, "cores": os.cpu_count(), "detectors": {}}
    for name in options.detectors:
        settings = LanguageFilter(detector=name)
        judge = LanguageJudge.open(settings, pack)
        found: dict[str, Any] = {path.stem: accuracy(rows, judge) for path, rows in sets.items()}
        if options.seconds and conversations:
            others = ("shape", "repetition", "duplicates")
            # The texts come round again and again, so duplicates are not looked for.
            for key, off in (("speed", others), ("speed_with_shape_and_repetition", others[2:])):
                filters = Filters.model_validate({**{kind: {"enabled": False} for kind in off}, "language": settings})
                found[key] = asyncio.run(speed(conversations, filters, pack, options.seconds))
        report["detectors"][name] = found
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
