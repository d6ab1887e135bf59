"""The whole product on this machine: serve, post a job, watch it, publish, load back, look."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
RECIPE = ROOT / "recipes" / "demo.yaml"
START_LIMIT_S = 240
JOB_LIMIT_S = 600

console = Console(soft_wrap=True)


class DemoError(Exception):
    """What the demo promises did not happen."""


def main() -> int:
    started = time.monotonic()
    try:
        with _server() as client:
            job, publication = _make_dataset(client)
            dropped = client.get(f"/v1/jobs/{job['id']}/conversations", params={"verdict": "dropped", "limit": 50})
            folder = Path(publication["result"]["target"])
            rows = _load_back(folder, job["recipe"]["target"]["conversations"])
            _show(job, rows, _answer(dropped)["items"])
    except (DemoError, httpx.HTTPError, OSError) as error:
        console.print(f"demo: {error}", style="bold red", markup=False)
        return 1
    console.print(f"\nRecipe       {RECIPE.relative_to(ROOT)}")
    console.print(f"Build        {job['result']['directory']}")
    console.print(f"Publication  {folder}")
    console.print(f"Done in {time.monotonic() - started:.0f} s.", style="bold green")
    return 0


@contextmanager
def _server() -> Iterator[httpx.Client]:
    """`iturri serve` on the demo backbone, ready to take jobs; ended at the end, whatever happens."""
    data = ROOT / ".iturri"
    data.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ITURRI_")},
        "ITURRI_BACKBONES": str(ROOT / "demo" / "backbones.yaml"),
        "ITURRI_BUILDS": str(ROOT / "builds"),
        "ITURRI_PUBLICATIONS": str(ROOT / "publications"),
        "ITURRI_DATA": str(data),
    }
    log = data / "demo-serve.log"
    console.print(
        f"Starting [bold]iturri serve[/] on port {port} (log: {log.relative_to(ROOT)}); vLLM takes a while ..."
    )
    with log.open("wb") as output:
        server = subprocess.Popen(
            [Path(sys.executable).with_name("iturri"), "serve", "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                _wait_until_ready(client, server, log)
                yield client
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_until_ready(client: httpx.Client, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_LIMIT_S
    answer = "no answer"
    while time.monotonic() < end:
        if server.poll() is not None:
            tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
            raise DemoError("the server ended at its start: " + " | ".join(tail))
        try:
            response = client.get("/readyz")
        except httpx.TransportError as error:
            answer = str(error)
        else:
            if response.is_success:
                return
            answer = response.text
        time.sleep(0.5)
    raise DemoError(f"the server was not ready after {START_LIMIT_S} s: {answer}")


def _make_dataset(client: httpx.Client) -> tuple[dict[str, Any], dict[str, Any]]:
    """Post the recipe, watch the build, publish it to a local folder; (build job, publication job)."""
    response = client.post("/v1/jobs", json=yaml.safe_load(RECIPE.read_text(encoding="utf-8")))
    job = _answer(response)
    console.print(f"Posted {RECIPE.relative_to(ROOT)}: job {job['id']} at {response.headers['Location']}")
    columns = (TextColumn("accepted"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[state]}"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        bar = progress.add_task("build", total=job["recipe"]["target"]["conversations"], state="queued")

        def show(seen: dict[str, Any]) -> None:
            funnel = seen["funnel"] or {}
            state = f"{seen['state']}  {funnel.get('drafts', 0)} drafts, {funnel.get('acceptance', 0):.0%} accepted"
            progress.update(bar, completed=funnel.get("accepted", 0), state=state)

        job = _finished(client, job["id"], show)
    publication = _answer(client.post(f"/v1/jobs/{job['id']}/publish", json={}))
    return job, _finished(client, publication["id"], lambda _: None)


def _finished(client: httpx.Client, job_id: str, show: Any) -> dict[str, Any]:
    end = time.monotonic() + JOB_LIMIT_S
    while time.monotonic() < end:
        job = _answer(client.get(f"/v1/jobs/{job_id}"))
        show(job)
        if job["state"] == "succeeded":
            return job
        if job["state"] in ("failed", "cancelled"):
            raise DemoError(f"job {job_id} {job['state']}: {job['error']}")
        time.sleep(0.5)
    raise DemoError(f"job {job_id} was not done after {JOB_LIMIT_S} s")


def _answer(response: httpx.Response) -> dict[str, Any]:
    if not response.is_success:
        raise DemoError(
            f"{response.request.method} {response.request.url.path}: {response.status_code} {response.text}"
        )
    answer: dict[str, Any] = response.json()
    return answer


def _load_back(folder: Path, wanted: int) -> list[dict[str, Any]]:
    """The published rows as any user would load them, and the demo's promise checked on them."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_DATASETS_CACHE"] = str(ROOT / ".iturri" / "datasets")
    from datasets import disable_progress_bars, load_dataset

    disable_progress_bars()

    splits = load_dataset(str(folder), "magpie-eu")
    rows = [row for split in splits.values() for row in split]
    longer = sum(row["exchanges"] >= 2 for row in rows)
    console.print(
        f"\ndatasets.load_dataset('{folder.relative_to(ROOT)}', 'magpie-eu'): "
        + ", ".join(f"{name} {len(split)}" for name, split in splits.items())
        + f"; {longer} of {len(rows)} have two or more exchanges"
    )
    if len(rows) != wanted or len({row["id"] for row in rows}) != wanted:
        raise DemoError(f"{len(rows)} rows were published, not {wanted} different ones")
    if longer * 2 < len(rows):
        raise DemoError(f"only {longer} of {len(rows)} conversations have two or more exchanges")
    return rows


def _show(job: dict[str, Any], rows: list[dict[str, Any]], dropped: list[dict[str, Any]]) -> None:
    funnel = job["funnel"]
    table = Table(title="Funnel", title_justify="left")
    for heading, justify in (("gate", "left"), ("exchange", "right"), ("reason", "left")):
        table.add_column(heading, justify="right" if justify == "right" else "left")
    table.add_column("drafts", justify="right")
    table.add_column("generated tokens", justify="right")
    for row in sorted(funnel["rows"], key=lambda row: -row["drafts"]):
        cells = (row["gate"], row["exchange"], row["reason"], row["drafts"], row["completion_tokens"])
        table.add_row(*map(str, cells))
    console.print(table)
    console.print(
        f"{funnel['accepted']} of {funnel['drafts']} drafts accepted ({funnel['acceptance']:.0%}), "
        f"{funnel['tokens_per_accepted']:.0f} generated tokens per accepted conversation, "
        f"{funnel['engine_seconds']:.0f} s of sampling"
    )
    for row in [row for row in rows if row["exchanges"] >= 2][:3]:
        console.print(f"\naccepted {row['id']}", style="bold green")
        _talk(row["messages"])
    shown: set[str] = set()
    for sample in dropped:
        if sample["reason"] not in shown and len(shown) < 5:
            shown.add(sample["reason"])
            console.print(
                f"\ndropped {sample['draft_id']}: {sample['reason']}: {sample['evidence']}", style="bold yellow"
            )
            _talk(sample["messages"])


def _talk(messages: list[dict[str, str]]) -> None:
    for message in messages:
        console.print(f"  {message['role']:>9}: {message['content']}", markup=False, highlight=False)


if __name__ == "__main__":
    sys.exit(main())
