"""The same Magpie job through `iturri build` and through distilabel's `MagpieGenerator`, on one vLLM server.

Two exchanges, the same sampling, turns of the same fixed length, a Basque system prompt for each row. The same job is
one without filters, as distilabel has none (`ratio`); `ratio_judged` is that of a build that judges every turn with all
of them, and drops nothing. Both are commands of their own: seconds are from the start of the process to its end,
`sampling` from the server's first token to its last. Prints JSON.

    python -m benchmarks.peers [--rows 100 128 500 1000] [--batches 50 256] [--rounds 1]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.common import DRY, magpie_recipe
from benchmarks.paced_text import ROOT, TOKENIZER
from benchmarks.peers.peer import Job, Ran, run_job
from benchmarks.peers.served import MODEL, Counted, endless_server

TOKENS = 64
NONE: dict[str, Any] = {
    name: {"enabled": False}
    for name in ("watch", "shape", "repetition", "language", "duplicates", "translation", "grounding")
}
ITURRI = (sys.executable, "-c", "from cli.main import main; main()", "build")


def run_iturri(url: str, rows: int, tokens: int, folder: Path, filters: Mapping[str, Any]) -> Ran:
    """`iturri build`, the real command."""
    backbone = {"kind": "openai", "model": MODEL, "endpoints": [f"{url}/v1"], "tokenizer": str(TOKENIZER)}
    sampling = {"max_tokens": tokens, "temperature": 1.0, "top_p": 1.0, "ignore_eos": True}
    steered = {"mode": "magpie", "exchanges": {"min": 2, "max": 2}, "steering": {"topics": 0}}
    recipe = magpie_recipe(
        rows,
        filters,
        user=sampling,
        reply=sampling,
        backbone=backbone,
        modes=[{**steered, "user_sampling": sampling, "reply_sampling": sampling}],
    )
    path = folder / f"{time.time_ns()}.json"
    path.write_text(recipe.model_dump_json(exclude_unset=True))
    variables = {name: value for name, value in os.environ.items() if not name.startswith("ITURRI_")}
    variables |= {"PYTHONPATH": str(ROOT), "ITURRI_BUILDS": str(path.with_suffix(".builds"))}
    started = time.perf_counter()
    subprocess.run([*ITURRI, str(path)], cwd=folder, env=variables, check=True, stdout=sys.stderr)
    return Ran(time.perf_counter() - started, rows)


def counted(url: str, run: Callable[[], Ran]) -> dict[str, Any]:
    with Counted(url) as counter:
        ran = run()
    if ran.rows is None:
        return {"rows": None, "stopped_after_seconds": ran.seconds, "tokens": counter.tokens}
    return {
        "rows": ran.rows,
        "seconds": ran.seconds,
        "sampling_seconds": counter.seconds,
        "tokens": counter.tokens,
        "conversations_per_second": ran.rows / ran.seconds,
        "conversations_per_second_sampling": ran.rows / counter.seconds,
    }


def one_round(url: str, rows: int, batches: list[int], limit_s: float, tokens: int, folder: Path) -> dict[str, Any]:
    """Iturri first and last, since the machine is not the same from one minute to the next; its mean is compared."""

    def ours(filters: Mapping[str, Any]) -> dict[str, Any]:
        return counted(url, lambda: run_iturri(url, rows, tokens, folder, filters))

    sides: dict[str, Any] = {"iturri": [ours(NONE)]}
    for batch in batches:
        job = Job(url, rows, batch, tokens)
        sides[f"distilabel_{batch}"] = counted(url, lambda job=job: run_job(job, limit_s))  # type: ignore[misc]
    sides["iturri"].append(ours(NONE))
    theirs = [side for side in sides.values() if isinstance(side, dict) and side["rows"] is not None]
    sides["iturri_judged"] = [ours(DRY)]
    ratios: dict[str, float] = {}
    for side, what in (("iturri", ""), ("iturri_judged", "_judged")):
        for name in ("", "_sampling"):
            rate = f"conversations_per_second{name}"
            # Beside the best of its batch sizes.
            if theirs:
                ratios[f"ratio{what}{name}"] = statistics.mean(one[rate] for one in sides[side]) / max(
                    one[rate] for one in theirs
                )
    return {"rows": rows, **ratios, **sides}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 128, 500, 1000])
    parser.add_argument("--batches", type=int, nargs="+", default=[50, 256], help="distilabel's; 50 is its default")
    parser.add_argument("--tokens", type=int, default=TOKENS, help="of every turn")
    parser.add_argument("--limit", type=float, default=120, help="seconds after which distilabel is stopped")
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, endless_server(Path(name)) as url:
        folder = Path(name)
        run_iturri(url, 64, arguments.tokens, folder, NONE)  # warm-up
        rounds = []
        for rows in arguments.rows * arguments.rounds:
            rounds.append(one_round(url, rows, arguments.batches, arguments.limit, arguments.tokens, folder))
            print(json.dumps(rounds[-1]), file=sys.stderr)  # so that a run that is stopped has not been for nothing
    print(json.dumps({"cores": os.cpu_count(), "load": os.getloadavg(), "rounds": rounds}, indent=2))


if __name__ == "__main__":
    main()
