"""One push in a process that does nothing else, so that its memory is the push's: prints what it took as JSON.

python -m benchmarks.publish.pusher BUILD REPO ENDPOINT
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from publishers.hub import publish_to_hub
from tests.support.hub_process import peak_mb
from tests.support.hub_server import HubServer


def main() -> None:
    build, repo, endpoint = sys.argv[1:]
    before = peak_mb(os.getpid())
    began, cpu = time.perf_counter(), time.process_time()
    done = publish_to_hub(Path(build), repo, private=False, token=HubServer.token, endpoint=endpoint)
    seconds = time.perf_counter() - began
    told = {
        "peak_mb": round(peak_mb(os.getpid()), 1),
        "before_mb": round(before, 1),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "mb_per_second": round(done.bytes / seconds / 1e6, 1),
        "files_uploaded": done.uploaded,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
