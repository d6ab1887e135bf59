"""Publishing against the tests' Hub, in a process of its own over loopback: what a push needs, and what kills leave.

Prints JSON, a part under each name:

- `push`: a build of `--rows` rows (about 2 KB of Parquet each, words drawn at random) is pushed by a process that does
  nothing else, and then once more. Of each push: MiB of memory at its peak and before it began, seconds, MB/s, bytes of
  data that the Hub got, commits.
- `kills`: `--kills` pushes of a small build are killed (SIGKILL), half of them at a random moment, half of them at a
  random request: before, amid or after it, in its answer, or so that the Hub carries it out only when the next push is
  under way. Each repository is then finished. Files that were lost, doubled (also: added again as they were) or broken,
  commits whose card names what they lack (0 of each is right), and how many repositories got how many commits.
- `writing`: seconds of sealing 10,000 conversations in a shard, hashed and on disk in the end, beside those of bare
  `pyarrow.parquet.write_table`, which does none of this, of a table that is there already: medians of `--rounds`.

    python -m benchmarks.publish [push] [kills] [writing] [--rows 1000000] [--kills 200] [--seed 1]
        [--rounds 15] [--folder FOLDER]

Without names all parts are run. The push needs twice the build's size on the disk, about 4 GB.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.publish.kills import kills
from benchmarks.publish.push import push
from benchmarks.publish.writing import writing

PARTS: dict[str, Callable[[argparse.Namespace, Path], dict[str, Any]]] = {
    "push": lambda options, folder: push(options.rows, folder),
    "kills": lambda options, folder: kills(options.kills, options.seed, folder),
    "writing": lambda options, folder: writing(options.rounds, folder),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all when left out")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the build that is pushed")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=15, help="of the writers of shards")
    parser.add_argument("--seed", type=int, default=1, help="of the kills")
    parser.add_argument("--folder", type=Path, help="for files; that of the system when left out")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    told: dict[str, Any] = {"cores": os.cpu_count(), "load_average": os.getloadavg()[0]}
    for name in options.parts or PARTS:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            told[name] = PARTS[name](options, Path(folder))
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
