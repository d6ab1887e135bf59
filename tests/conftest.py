"""What holds for all tests."""

from __future__ import annotations

import os

# Two workers of the suite share two cores: threads of torch that wait for each other there made training ten times
# slower. It must be said before torch is imported, and the processes that tests start are told as well.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import settings

# How long an example takes is the machine's business; speed is measured in benchmarks/.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
