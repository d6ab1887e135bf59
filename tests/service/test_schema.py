"""The API answers as its description says, whatever is asked: Schemathesis against a server over HTTP.

It makes up requests from `/openapi.json`, right and wrong ones, and in sequences; the seed is fixed.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

from schemas.keys import Scope
from tests.support.service_keys import bearer, made_key
from tests.support.service_servers import serving, settings, submission

ST = str(Path(sys.executable).with_name("st"))
# What one field asks of another is in no schema, so valid requests may be refused: by the message that says why.
LEFT_OUT = "positive_data_acceptance"


def test_the_api_keeps_to_its_description(tmp_path: Path, database: str) -> None:
    options = f"--checks all --exclude-checks {LEFT_OUT} --phases examples,coverage,fuzzing,stateful"
    options += " --max-examples 10 --seed 1 --generation-database none --warnings off"
    _, key = asyncio.run(made_key(database, "tester", list(Scope)))
    with serving(settings(tmp_path, database), tmp_path / "log") as server:
        server.client.headers.update(bearer(key))
        job_id = server.submit(submission())
        server.ended(job_id)
        (tmp_path / "schemathesis.toml").write_text(f'[parameters]\n"path.job_id" = "{job_id}"\n')
        tried = subprocess.run(
            [
                ST,
                "run",
                f"http://127.0.0.1:{server.port}/openapi.json",
                *f"{options} --header".split(),
                f"Authorization: Bearer {key}",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert tried.returncode == 0, tried.stdout[-6000:] + tried.stderr
        assert (found := re.search(r"Selected: (\d+)/\1\n *Tested: \1\n", tried.stdout)) and int(found[1]) >= 20
        said = server.said()
    assert "unforeseen" not in said and "Traceback" not in said
