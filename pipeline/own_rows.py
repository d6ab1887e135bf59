"""What a build has accepted in one of its modes, as the materials of another."""

from __future__ import annotations

from pathlib import Path

from generators.material import Material
from pipeline.reader import BuildReader
from publishers.shard import config_name
from schemas.conversation import Conversation, Source
from schemas.recipe import Recipe


class OwnRows:
    """The rows of mode magpie in a language, in the order of acceptance: a material's number is its row's place there.

    Only committed rows are seen, those in sealed shards too. There may always be more. Raises BuildDirectoryError,
    and StorageError when a shard cannot be read.
    """

    ended = False

    def __init__(self, recipe: Recipe, directory: Path, language: str) -> None:
        self._recipe = recipe
        self._directory = directory
        self._config = config_name("magpie", language)
        self._after = 0
        self._next = 0
        self._skip = 0

    def open(self, start: int) -> None:
        self._after, self._next, self._skip = 0, start, start

    def read(self, limit: int) -> list[Material]:
        rows = BuildReader(self._directory).accepted(self._after, limit, self._config, self._skip)
        if rows:
            self._after, self._skip = rows[-1][0], 0
        materials = [self._material(self._next + place, row) for place, (_, row) in enumerate(rows)]
        self._next += len(rows)
        return materials

    def close(self) -> None:
        """Nothing is held open between two reads."""

    def _material(self, number: int, row: Conversation) -> Material:
        source = Source(dataset=self._recipe.name, document=row.id, licence=self._recipe.publish.licence)
        return Material(number, source, tuple(message.content for message in row.messages if message.role != "system"))
