"""What it costs to compare embeddings: python -m benchmarks.semantic [--rows N] [--dimensions D ...]

Made vectors in clusters, as embeddings of topics are. Times are the processor's, of one core when OPENBLAS_NUM_THREADS
is 1: what a draft takes in a batch of so many, and what its claim takes on the event loop.
"""

from __future__ import annotations

import argparse
from time import process_time

import numpy as np
from numpy.typing import NDArray

from filters.duplicates.memory import Memory
from filters.duplicates.semantic import SemanticJudge

BATCHES = (1, 8, 32)
IN_FLIGHT = 512
ROUNDS = 5
TOPICS = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description="What it costs to compare embeddings.")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, nargs="+", default=[384, 1024])
    arguments = parser.parse_args()
    for dimensions in arguments.dimensions:
        print(measured(arguments.rows, dimensions))


def measured(rows: int, dimensions: int) -> str:
    """One line of figures."""
    rng = np.random.default_rng(0)
    topics = rng.standard_normal((TOPICS, dimensions)).astype(np.float32)
    noise = rng.standard_normal((rows, dimensions)).astype(np.float32)
    vectors = topics[rng.integers(0, TOPICS, rows)] + 1.2 * noise
    judge = SemanticJudge(0.95, dimensions, Memory())
    began = process_time()
    judge.restore((f"fddf9a10-0570f982-{row:08d}", stored(vector)) for row, vector in enumerate(vectors))
    line = f"{dimensions} dimensions, {rows:,} rows: {judge.nbytes / rows:,.0f} bytes a row; restored in "
    line += f"{process_time() - began:.1f} s"
    for size in BATCHES:
        began = process_time()
        for _ in range(ROUNDS):
            judge.nearest(vectors[:size])
        line += f"; {1000 * (process_time() - began) / ROUNDS / size:.1f} ms a draft in a batch of {size}"
    strangers = rng.standard_normal((IN_FLIGHT + 100, dimensions)).astype(np.float32)
    for number, nearest in enumerate(judge.nearest(strangers)):
        if number == IN_FLIGHT:
            began = process_time()
        judge.claim(f"draft {number}", "", nearest)
    return f"{line}; {10 * (process_time() - began):.2f} ms a claim with {IN_FLIGHT} in flight"


def stored(vector: NDArray[np.float32]) -> bytes:
    """As the ledger has it."""
    return (vector / np.linalg.norm(vector)).astype("<f2").tobytes()


if __name__ == "__main__":
    main()
