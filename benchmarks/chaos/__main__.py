"""Kills `iturri filter` and `iturri build` at random instants, again and again, and checks what is left.

Every kill is a SIGKILL of the process that runs the command; half of them hit a filter run, half a build. Prints JSON:
kills by what they hit, and what was wrong. The exit code is 1 when anything was.

    python -m benchmarks.chaos [--kills 1000] [--seed 1] [--seconds 2400]

`--seconds` ends it early, and the JSON says how many kills were done. Seed s + n begins with the n-th folder of seed s,
so a failure can be repeated, but for the hair's breadth by which two runs differ.
"""

from __future__ import annotations

import os

if __name__ == "__main__":
    # One process that judges, and no threads before a fork: to be said before numpy is imported.
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "ITURRI_WORKERS": "1"}
    from benchmarks.chaos.lanes import main

    main(__doc__)
