"""`iturri export`: a build's rows in the files of a trainer."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from cli import figures
from cli.failures import say
from cli.machine import build_folder, machine_settings
from cli.publish import sealed
from cli.surroundings import log_to_stderr
from publishers.export import export
from schemas.training_format import TrainingFormat


def run(
    build: str,
    layout: TrainingFormat,
    to: Path | None,
    *,
    model: str | None,
    corpus: str | None,
    gpus: int | None,
    as_json: bool,
) -> int:
    """Export, and say what is where."""
    settings = machine_settings()
    log_to_stderr(settings)
    folder = build_folder(build, settings)
    manifest = sealed(folder)
    if not manifest.complete:
        say(f"{folder} is not finished: what it has so far is exported")
    target = to or Path("exports") / f"{manifest.name}-{layout}"
    done = export(folder, target, layout, model=model, corpus=corpus, gpus=gpus)
    for warning in done.warnings:
        say(warning)
    if as_json:
        sys.stdout.write(done.model_dump_json() + "\n")
    else:
        files = "file" if len(done.files) == 1 else "files"
        sys.stdout.write(
            f"{done.target}: {done.rows:,} rows in {len(done.files)} {files} ({figures.size(done.bytes)})\n"
        )
        if done.command is not None:
            sys.stdout.write(f"train with: cd {shlex.quote(done.target)} && {done.command}\n")
    return 0
