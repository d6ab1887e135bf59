"""The duplicate filter over many rows: its verdicts, its speed and its memory."""

from __future__ import annotations

import gc
import multiprocessing
import os
import tempfile
import time
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.duplicates.rows import family
from filters.duplicates.judge import BATCH_ROWS, DuplicateJudge, SignedRow
from filters.duplicates.memory import Memory
from filters.duplicates.signature import Signature, sign, sign_first
from pipeline.filtering.files import DatasetInput
from pipeline.filtering.run import filter_dataset
from schemas.conversation import Draft, Gate, Turn
from schemas.filters import DuplicateFilter, Filters
from schemas.settings import Settings
from schemas.verdict import Drop

SETTINGS = DuplicateFilter()
GATE_DRAFTS = 3_000
REPLY = "Bai."


def judge_all(judge: DuplicateJudge, texts: Sequence[str], file: Path) -> tuple[list[Drop | None], float]:
    """Verdicts on all rows, and seconds from the texts to the last verdict. Signatures go to the file for later."""
    drops: list[Drop | None] = []
    writing = 0.0
    started = time.perf_counter()
    with file.open("wb") as out:
        for batch, signatures in _signed_in_pool(texts):
            drops += judge.judge_rows(map(SignedRow, signatures, batch))
            paused = time.perf_counter()
            for signature in signatures:
                data = signature.to_bytes()
                out.write(len(data).to_bytes(4, "little") + data)
            writing += time.perf_counter() - paused
    return drops, time.perf_counter() - started - writing


def filter_speed(texts: Sequence[str]) -> int:
    """Rows a second of `iturri filter` over Parquet with this filter alone, starting its processes included."""
    only = Filters.model_validate({name: {"enabled": False} for name in ("shape", "repetition", "language")})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        messages = [[{"role": "user", "content": text}, {"role": "assistant", "content": REPLY}] for text in texts]
        pq.write_table(pa.table({"messages": messages}), path)
        started = time.perf_counter()
        filter_dataset(
            DatasetInput(str(path)), language="eu", filters=only, settings=Settings(workers=os.cpu_count() or 1)
        )
        return round(len(texts) / (time.perf_counter() - started))


def gate_latency(judge: DuplicateJudge, texts: Sequence[str], prefix: str) -> dict[str, float]:
    """Milliseconds of judging one draft and giving its claim back."""
    drafts = [
        Draft(id=f"{prefix}-{index:08d}", index=index, mode="magpie", language="eu", turns=(_turn(text),))
        for index, text in enumerate(texts)
    ]
    took = array("d")
    gc.collect()
    for draft in drafts:
        started = time.perf_counter()
        judge.judge(draft, Gate.USER_TURN)
        judge.release(draft.id)
        took.append(1000 * (time.perf_counter() - started))
    return _percentiles(took)


def growth_latency(file: Path) -> dict[str, float]:
    """Milliseconds of adding one row at a time, while the index grows from nothing to all rows of the file."""
    judge = DuplicateJudge(SETTINGS)
    took = array("d")
    for number, signature in enumerate(read_signatures(file)):
        rows = [SignedRow(Signature.from_bytes(signature), "", f"a-b-{number:08d}")]
        started = time.perf_counter()
        judge.judge_rows(rows)
        took.append(1000 * (time.perf_counter() - started))
    return _percentiles(took)


def rebuild_speed(file: Path) -> dict[str, float]:
    """Rows restored per second from what the ledger holds of them."""
    ledger = [(f"fddf9a10-0570f982-{number:08d}", data) for number, data in enumerate(read_signatures(file))]
    judge = DuplicateJudge(SETTINGS)
    started = time.perf_counter()
    judge.restore(ledger)
    took = time.perf_counter() - started
    size = sum(len(data) for _, data in ledger)
    return {"rows_per_second": round(len(ledger) / took), "ledger_bytes_per_row": round(size / len(ledger))}


def measure_memory(file: Path, limit_mb: int) -> dict[str, float]:
    """In a process of its own: the most it took above what it had before its judge, in MB."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_judge_and_measure, args=(file, limit_mb, theirs))
    process.start()
    measured: dict[str, float] = ours.recv()
    process.join()
    return measured


def measure_family(number: int) -> dict[str, Any]:
    """Rows of one template, every two of which are just too different."""
    signed = [SignedRow(sign_first(text, SETTINGS.ngram, SETTINGS.min_words), text) for text in family(number)]
    judge = DuplicateJudge(SETTINGS)
    started = time.perf_counter()
    drops = judge.judge_rows(signed)
    took = time.perf_counter() - started
    told = judge.diversity()
    return {
        "rows": number,
        "dropped": sum(drop is not None for drop in drops),
        "rows_per_second_signed": round(number / took),
        "largest_family_share": round(told.families[0].share, 4),
        "candidates_per_row": round(told.candidates_per_row, 4),
        "cut_rows": told.cut_rows,
        "gate_ms": gate_latency(judge, list(family(GATE_DRAFTS, seed=1)), "f"),
    }


def read_signatures(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while head := stream.read(4):
            yield stream.read(int.from_bytes(head, "little"))


def _turn(text: str, role: str = "user") -> Turn:
    return Turn.model_validate(
        {"role": role, "content": text, "finish_reason": "stop", "language": "eu", "prompt_tokens": 0}
        | {"completion_tokens": 0}
    )


def _signed_in_pool(texts: Sequence[str]) -> Iterator[tuple[list[str], list[Signature]]]:
    """Batches in their order, each with its signatures."""
    workers = os.cpu_count() or 1
    waiting: deque[tuple[list[str], Future[list[Signature]]]] = deque()
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        for start in range(0, len(texts), BATCH_ROWS):
            batch = list(texts[start : start + BATCH_ROWS])
            waiting.append((batch, pool.submit(_sign_batch, batch)))
            if len(waiting) > 2 * workers:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()


def _sign_batch(texts: list[str]) -> list[Signature]:
    """In a process of a pool: what conversations of one exchange claim."""
    reply = _turn(REPLY, "assistant")
    return [sign((_turn(text), reply), SETTINGS.ngram, SETTINGS.min_words) for text in texts]


def _judge_and_measure(file: Path, limit_mb: int, answer: Connection) -> None:
    before = psutil.Process().memory_info().rss
    memory = Memory(limit_mb, file.parent)
    judge = DuplicateJudge(SETTINGS, memory)
    signatures = read_signatures(file)
    rows = kept = 0
    started = time.perf_counter()
    while batch := [SignedRow(Signature.from_bytes(data), "") for data in islice(signatures, BATCH_ROWS)]:
        drops = judge.judge_rows(batch)
        rows += len(drops)
        kept += sum(drop is None for drop in drops)
    took = time.perf_counter() - started
    answer.send(
        {
            "limit_mb": limit_mb,
            "rows": rows,
            "kept": kept,
            "rows_per_second_signed": round(rows / took),
            "peak_mb": round((_status("VmHWM") - before) / 1e6, 1),
            "of_them_pages_of_files_mb": round(_status("RssFile") / 1e6, 1),
            "spilled_mb": round(memory.spilled / 1e6, 1),
            "stated_bytes_per_kept_row": round(judge.nbytes / kept, 1),
        }
    )


def _status(field: str) -> int:
    """Bytes, as Linux tells them of this process."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.partition(f"{field}:")[2].split()[0])


def _percentiles(took: array[float]) -> dict[str, float]:
    return {name: round(float(np.percentile(took, at)), 3) for name, at in (("p50", 50), ("p99", 99), ("max", 100))}
