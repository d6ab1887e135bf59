"""What came of a publication, in one line."""

from __future__ import annotations

from cli import figures
from publishers.result import PublicationResult


def sentence(result: PublicationResult) -> str:
    """What went where."""
    there = f", {result.skipped} were there already" if result.skipped else ""
    revision = f" at revision {result.revision}" if result.revision else ""
    revision += f", tagged {result.tag}" if result.tag else ""
    files = "file" if result.uploaded == 1 else "files"
    return f"{result.target}: {result.uploaded} {files} written ({figures.size(result.bytes)}){there}{revision}"
