"""Reading a build, also while it runs and from another process."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from pipeline.directory import BuildDirectory
from pipeline.fingerprint import Fields
from pipeline.ledger_reading import read_arms, read_diversity, read_fields, read_funnel_rows, read_spent
from publishers.manifest import read_manifest
from publishers.shard import read_shard
from schemas.arms import Arm
from schemas.conversation import Conversation
from schemas.errors import BuildDirectoryError
from schemas.funnel import DroppedSample, Funnel
from schemas.manifest import Manifest
from schemas.problems import first_problem
from schemas.recipe import Recipe


class BuildReader:
    """What a build directory holds. Raises BuildDirectoryError when it is none."""

    def __init__(self, directory: Path) -> None:
        self._directory = BuildDirectory(directory)
        for file in (self._directory.ledger, self._directory.recipe):
            if not file.is_file():
                raise BuildDirectoryError(f"{directory} is no build directory: it has no {file.name}")

    def recipe(self) -> Recipe:
        """The recipe of the build's last run."""
        path = self._directory.recipe
        try:
            return Recipe.model_validate_json(path.read_bytes())
        except OSError as error:
            raise BuildDirectoryError(f"{path} cannot be read: {error.strerror or error}") from error
        except ValidationError as error:
            where, what = first_problem(error)
            if where.startswith("publish.licence"):  # any text was taken once
                raise BuildDirectoryError(
                    f"{path}: {where}: {what}; set it in the recipe and run `iturri build` of that (nothing is sampled "
                    "anew)"
                ) from error
            raise BuildDirectoryError(
                f"{path} is damaged: {where}{': ' if where else ''}{what}; `iturri build` of its recipe writes it anew"
            ) from error

    def fields(self) -> Fields:
        """What the build's fingerprint is made of."""
        with self._connection() as connection:
            return read_fields(connection)

    def manifest(self) -> Manifest | None:
        """What is sealed; None before the first run has ended or sealed a shard."""
        return read_manifest(self._directory.path) if self._directory.manifest.is_file() else None

    def funnel(self) -> Funnel:
        """The account of all runs so far."""
        target = self.recipe().target.conversations
        with self._connection() as connection:
            rows = read_funnel_rows(connection)
            seconds, tokens = read_spent(connection)
            diversity = read_diversity(connection)
        return Funnel(
            target=target,
            rows=rows,
            engine_seconds=seconds,
            unfinished_completion_tokens=tokens,
            diversity=diversity,
        )

    def holds(self, row_id: str) -> bool:
        """Whether a row of that id was accepted."""
        with self._connection() as connection:
            return connection.execute("SELECT 1 FROM rows WHERE id = ?", (row_id,)).fetchone() is not None

    def rows(self) -> int:
        """How many rows were accepted, in shards or not."""
        with self._connection() as connection:
            return int(connection.execute("SELECT count(*) FROM rows").fetchone()[0])

    def arms(self) -> tuple[Arm, ...]:
        """What became of the drafts that used each choice of the steering."""
        with self._connection() as connection:
            return read_arms(connection)

    def accepted(
        self, after: int = 0, limit: int = 50, config: str | None = None, skip: int = 0
    ) -> list[tuple[int, Conversation]]:
        """Up to `limit` (sequence number, row) above `after`, in the order of acceptance.

        Those of one config, or of all; the first `skip` of them are passed over.
        """
        query = (
            "SELECT seq, body, path, (SELECT count(*) FROM rows earlier"
            "  WHERE earlier.shard = rows.shard AND earlier.seq < rows.seq)"
            " FROM rows LEFT JOIN shards ON shards.number = rows.shard WHERE seq > ?"
            " AND (? IS NULL OR rows.config = ?) ORDER BY seq LIMIT ? OFFSET ?"
        )
        with self._connection() as connection:
            found = connection.execute(query, (after, config, config, limit, skip)).fetchall()
        page: list[tuple[int, Conversation]] = []
        sealed: dict[str, dict[int, int]] = {}
        for seq, body, path, place in found:
            if body is None:
                sealed.setdefault(path, {})[place] = seq
            else:
                page.append((seq, Conversation.model_validate_json(body)))
        for path, places in sealed.items():
            first, last = min(places), max(places)
            rows = read_shard(self._directory.path / path, first, last - first + 1)
            page.extend((places[first + number], row) for number, row in enumerate(rows) if first + number in places)
        return sorted(page, key=lambda numbered: numbered[0])

    def dropped(self, reason: str | None = None, after: int = 0, limit: int = 50) -> list[tuple[int, DroppedSample]]:
        """Up to `limit` (sequence number, sample) above `after`: a sample of the drops, of one reason or of all."""
        query = "SELECT seq, body FROM dropped WHERE seq > ? AND (? IS NULL OR reason = ?) ORDER BY seq LIMIT ?"
        with self._connection() as connection:
            found = connection.execute(query, (after, reason, reason, limit)).fetchall()
        return [(seq, DroppedSample.model_validate_json(body)) for seq, body in found]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        address = f"{self._directory.ledger.absolute().as_uri()}?mode=ro"
        try:
            connection = sqlite3.connect(address, uri=True, timeout=30)
            try:
                yield connection
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise BuildDirectoryError(f"{self._directory.ledger} cannot be read: {error}") from error
