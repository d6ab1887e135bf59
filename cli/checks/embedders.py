"""Declared embedders: their servers answer, know the model, and give vectors of one length."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from cli.checks.finding import Finding, ok, problem
from generators.embedder import Embedder
from schemas.backbones import EmbedderSpec
from schemas.errors import IturriError


def check_embedders(embedders: Mapping[str, EmbedderSpec]) -> Iterator[Finding]:
    """Every declared embedder; nothing where there is none, since recipes need none."""
    for name, spec in sorted(embedders.items()):
        subject = f"embedder {name}"
        try:
            dimensions = asyncio.run(_dimensions(spec))
        except IturriError as error:
            yield problem(subject, str(error), "start its servers, or mend this embedder's declaration")
        else:
            yield ok(subject, f"{spec.model}: {dimensions} numbers a text, on {len(spec.endpoints)} endpoint(s)")


async def _dimensions(spec: EmbedderSpec) -> int:
    async with Embedder(spec) as embedder:
        return embedder.dimensions
