"""How right, how fast and how large the duplicate filter is, on made-up rows with planted repeats; peers beside it.

Prints JSON. Truth comes from an exact join of the benchmark's own, which is first checked against all pairs.

    python -m benchmarks.duplicates [--rows 100000] [--checked 100000] [--peer-seconds 120]
    python -m benchmarks.duplicates --compare [--rows 100000]

The second form compares what may be called similar: words or characters, and from which similarity on.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import os
import random
import re
import tempfile
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import xxhash

from benchmarks.duplicates_peers import peers
from benchmarks.duplicates_rows import Row, family, rows
from benchmarks.duplicates_truth import Join, Sets, join_is_right, score
from filters.duplicates.judge import BATCH_ROWS, DuplicateJudge, SignedRow
from filters.duplicates.signature import Signature, shingle, sign, sign_first, text_hash
from filters.text import fold, words
from schemas.conversation import Draft, Gate, Turn
from schemas.recipe import DuplicateFilter
from schemas.verdict import Drop

SETTINGS = DuplicateFilter()
PAIRS_CHECKED = 5_000
GATE_DRAFTS = 3_000
FAMILY_ROWS = 50_000
Shingler = Callable[[str], bytes]


def turn(text: str, role: str = "user") -> Turn:
    return Turn.model_validate(
        {"role": role, "content": text, "finish_reason": "stop", "language": "eu", "prompt_tokens": 0}
        | {"completion_tokens": 0}
    )


def sign_batch(texts: list[str]) -> list[Signature]:
    """In a process of a pool: what conversations of one exchange claim."""
    reply = turn("Bai.", "assistant")
    return [sign((turn(text), reply), SETTINGS.ngram, SETTINGS.min_words) for text in texts]


def signed_in_pool(texts: Sequence[str]) -> Iterator[tuple[list[str], list[Signature]]]:
    """Batches in their order, each with its signatures."""
    workers = os.cpu_count() or 1
    waiting: deque[tuple[list[str], Future[list[Signature]]]] = deque()
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        for start in range(0, len(texts), BATCH_ROWS):
            batch = list(texts[start : start + BATCH_ROWS])
            waiting.append((batch, pool.submit(sign_batch, batch)))
            if len(waiting) > 2 * workers:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()


def judge_all(judge: DuplicateJudge, texts: Sequence[str], file: Path) -> tuple[list[Drop | None], float]:
    """Verdicts on all rows, and seconds from the texts to the last verdict. Signatures go to the file for later."""
    drops: list[Drop | None] = []
    writing = 0.0
    started = time.perf_counter()
    with file.open("wb") as out:
        for batch, signatures in signed_in_pool(texts):
            drops += judge.judge_rows(map(SignedRow, signatures, batch))
            paused = time.perf_counter()
            for signature in signatures:
                data = signature.to_bytes()
                out.write(len(data).to_bytes(4, "little") + data)
            writing += time.perf_counter() - paused
    return drops, time.perf_counter() - started - writing


def read_signatures(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while head := stream.read(4):
            yield stream.read(int.from_bytes(head, "little"))


def shingle_arrays(texts: Sequence[str], shingler: Shingler) -> Sets:
    return [np.frombuffer(shingler(text), "<u4") for text in texts]


def words_of(text: str) -> bytes:
    return sign_first(text, SETTINGS.ngram, SETTINGS.min_words).shingles


def grams_of(text: str, ngram: int) -> bytes:
    found = words(fold(text))
    return shingle(found, ngram) if len(found) >= SETTINGS.min_words else b""


def planted(made: Sequence[Row], drops: Sequence[Drop | None]) -> dict[str, Any]:
    """What became of what was planted. An edit counts if the row that it was made from is in the dataset."""
    dropped = [drop is not None for drop in drops]
    sizes: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for index, row in enumerate(made):
        kinds: list[str] = [row.kind]
        if row.kind == "edit":
            if row.source is None or dropped[row.source]:
                continue
            kinds.append("edit, up to 19 words" if len(row.text.split()) < 20 else "edit, 20 words and more")
        for kind in kinds:
            sizes[kind] += 1
            found[kind] += dropped[index]
    return {kind: {"rows": sizes[kind], "dropped": round(found[kind] / sizes[kind], 4)} for kind in sorted(sizes)}


def named_rightly(texts: Sequence[str], sets: Sets, drops: Sequence[Drop | None]) -> dict[str, Any]:
    """Whether each drop names a kept row before it that it does repeat, and how much."""
    kept: list[int] = []
    wrong = 0
    for row, drop in enumerate(drops):
        if drop is None:
            kept.append(row)
            continue
        other = kept[int(re.findall("[0-9]+", drop.evidence)[0])]
        if drop.reason == "duplicates.exact":
            wrong += fold(texts[row]) != fold(texts[other])
        else:
            both = len(np.intersect1d(sets[row], sets[other]))
            similarity = both / (len(sets[row]) + len(sets[other]) - both)
            wrong += similarity < SETTINGS.threshold or f"(similarity {similarity:.2f})" not in drop.evidence
    return {"drops": len(drops) - len(kept), "wrongly_named": wrong}


def gate_latency(judge: DuplicateJudge, texts: Sequence[str], prefix: str) -> dict[str, float]:
    """Milliseconds of judging one draft and giving its claim back."""
    drafts = [
        Draft(id=f"{prefix}-{index:08d}", index=index, mode="magpie", language="eu", turns=(turn(text),))
        for index, text in enumerate(texts)
    ]
    took = []
    gc.collect()
    for draft in drafts:
        started = time.perf_counter()
        judge.judge(draft, Gate.USER_TURN)
        judge.release(draft.id)
        took.append(1000 * (time.perf_counter() - started))
    return {name: round(float(np.percentile(took, at)), 3) for name, at in (("p50", 50), ("p99", 99), ("max", 100))}


def growth_latency(file: Path) -> dict[str, float]:
    """Milliseconds of adding one row at a time, while the index grows from nothing to all rows of the file."""
    judge = DuplicateJudge(SETTINGS)
    took = array("d")
    for number, signature in enumerate(read_signatures(file)):
        rows = [SignedRow(Signature.from_bytes(signature), "", f"a-b-{number:08d}")]
        started = time.perf_counter()
        judge.judge_rows(rows)
        took.append(1000 * (time.perf_counter() - started))
    return {name: round(float(np.percentile(took, at)), 3) for name, at in (("p50", 50), ("p99", 99), ("max", 100))}


def rebuild_speed(file: Path) -> dict[str, float]:
    """Rows restored per second from what the ledger holds of them."""
    ledger = [(f"fddf9a10-0570f982-{number:08d}", data) for number, data in enumerate(read_signatures(file))]
    judge = DuplicateJudge(SETTINGS)
    started = time.perf_counter()
    judge.restore(ledger)
    took = time.perf_counter() - started
    size = sum(len(data) for _, data in ledger)
    return {"rows_per_second": round(len(ledger) / took), "ledger_bytes_per_row": round(size / len(ledger))}


def measure_memory(file: Path) -> dict[str, float]:
    """In a process of its own: the most it took above what it had before its judge, in MB."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_judge_and_measure, args=(file, theirs))
    process.start()
    measured: dict[str, float] = ours.recv()
    process.join()
    return measured


def _judge_and_measure(file: Path, answer: Connection) -> None:
    before = psutil.Process().memory_info().rss
    judge = DuplicateJudge(SETTINGS)
    signatures = read_signatures(file)
    rows = kept = 0
    while batch := [SignedRow(Signature.from_bytes(data), "") for data in islice(signatures, BATCH_ROWS)]:
        drops = judge.judge_rows(batch)
        rows += len(drops)
        kept += sum(drop is None for drop in drops)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = 1024 * int(status.partition("VmHWM:")[2].split()[0])
    after = psutil.Process().memory_info().rss
    answer.send(
        {
            "rows": rows,
            "kept": kept,
            "peak_mb": round((peak - before) / 1e6, 1),
            "after_mb": round((after - before) / 1e6, 1),
            "stated_bytes_per_kept_row": round(judge.nbytes / kept, 1),
        }
    )


def measure_family(number: int) -> dict[str, Any]:
    """Rows of one template, every two of which are just too different."""
    signed = [SignedRow(sign_first(text, SETTINGS.ngram, SETTINGS.min_words), text) for text in family(number)]
    judge = DuplicateJudge(SETTINGS)
    started = time.perf_counter()
    drops = judge.judge_rows(signed)
    took = time.perf_counter() - started
    gate = gate_latency(judge, list(family(GATE_DRAFTS, seed=1)), "f")
    return {
        "rows": number,
        "dropped": sum(drop is not None for drop in drops),
        "rows_per_second_signed": round(number / took),
        "candidates_per_row": round(judge.diversity().candidates_per_row, 4),
        "cut_rows": judge.diversity().cut_rows,
        "gate_ms": gate,
    }


def measure_peers(texts: Sequence[str], join: Join, sample: Sequence[int], seconds: float) -> dict[str, Any]:
    """The same distinct rows, in time: rows a second from text to verdict, and how right their verdicts are."""
    results: dict[str, Any] = {}
    for name, run in peers().items():
        result = run(texts, SETTINGS.threshold, seconds)
        done = len(result.kept)
        results[name] = {
            "rows": done,
            "rows_per_second": round(done / result.seconds),
            **score(join, result.kept, [row for row in sample if row < done]).as_json(),
        }
        if result.compared is not None:
            results[name]["candidates_per_row"] = round(result.compared / done, 3)
    for name in {"rensa", "datasketch", "text-dedup"} - set(results):
        results[name] = "not installed"
    return results


def distinct(texts: Sequence[str]) -> list[int]:
    """The first of every exact text."""
    first: dict[bytes, int] = {}
    for row, text in enumerate(texts):
        first.setdefault(text_hash(text), row)
    return list(first.values())


def measure(options: argparse.Namespace) -> dict[str, Any]:
    made = list(rows(options.rows + GATE_DRAFTS))
    made, later = made[: options.rows], made[options.rows :]
    texts = [row.text for row in made]
    judge = DuplicateJudge(SETTINGS)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "signatures"
        drops, seconds = judge_all(judge, texts, file)
        report: dict[str, Any] = {
            "rows": len(made),
            "settings": SETTINGS.model_dump(),
            "cores": os.cpu_count(),
            "load_average": os.getloadavg()[0],
            "reasons": dict(Counter(drop.reason for drop in drops if drop)),
            "rows_per_second": round(len(made) / seconds),
            "candidates_per_row": round(judge.diversity().candidates_per_row, 3),
            "cut_rows": judge.diversity().cut_rows,
            "planted": planted(made, drops),
            "gate_ms": gate_latency(judge, [row.text for row in later], "gate"),
        }
        del judge
        report["growth_ms"] = growth_latency(file)
        report["rebuild"] = rebuild_speed(file)
        report["memory"] = measure_memory(file)
    report["family"] = measure_family(min(options.rows, FAMILY_ROWS))
    if options.checked:
        sets = shingle_arrays(texts, words_of)
        report["named"] = named_rightly(texts, sets, drops)
        report["join_equals_all_pairs"] = join_is_right(sets[:PAIRS_CHECKED], SETTINGS.threshold)
        once = distinct(texts)
        join = Join([sets[row] for row in once], SETTINGS.threshold)
        sample = random.Random(1).sample(range(len(once)), min(options.checked, len(once)))
        report["verdicts"] = score(join, [drops[row] is None for row in once], sample).as_json()
        if options.peer_seconds:
            report["peers"] = measure_peers([texts[row] for row in once], join, sample, options.peer_seconds)
    return report


def characters_of(text: str, size: int = 5) -> bytes:
    folded = fold(text)
    grams = {xxhash.xxh32_intdigest(folded[at : at + size].encode()) for at in range(len(folded) - size + 1)}
    return np.array(sorted(grams), "<u4").tobytes()


def compare(number: int) -> dict[str, Any]:
    """The same rows under other shingles and thresholds."""
    made = list(rows(number))
    table: dict[str, Any] = {}
    shinglers: dict[str, tuple[Shingler, tuple[float, ...]]] = {
        "words, 1": (partial(grams_of, ngram=1), (0.75, 0.8)),
        "words, 2": (partial(grams_of, ngram=2), (0.75, 0.7, 0.65, 0.6)),
        "words, 3": (partial(grams_of, ngram=3), (0.7, 0.5)),
        "characters, 5": (characters_of, (0.8, 0.7)),
    }
    for name, (shingler, thresholds) in shinglers.items():
        signed = [SignedRow(Signature(text_hash(row.text), shingler(row.text)), row.text) for row in made]
        for threshold in thresholds:
            judge = DuplicateJudge(SETTINGS.model_copy(update={"threshold": threshold}))
            started = time.perf_counter()
            drops = judge.judge_rows(signed)
            took = time.perf_counter() - started
            table[f"{name}, {threshold}"] = {
                "dropped": {kind: found["dropped"] for kind, found in planted(made, drops).items()},
                "rows_per_second_signed": round(number / took),
                "bytes_per_kept_row": round(judge.nbytes / sum(drop is None for drop in drops)),
                "candidates_per_row": round(judge.diversity().candidates_per_row, 3),
                "cut_rows": judge.diversity().cut_rows,
            }
    return {"rows": number, "table": table}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--checked", type=int, default=100_000, help="rows whose verdict is checked; 0: none")
    parser.add_argument("--peer-seconds", type=float, default=120, help="for each other tool; 0: none")
    parser.add_argument("--compare", action="store_true")
    options = parser.parse_args()
    print(json.dumps(compare(options.rows) if options.compare else measure(options), indent=2))


if __name__ == "__main__":
    main()
