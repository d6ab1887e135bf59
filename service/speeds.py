"""How fast backbones sample, as running builds have measured it."""

from __future__ import annotations

from service.database import Pool, transaction

# What was measured so long ago weighs a third of what is measured now, however often builds measure.
_MEMORY_S = 600.0


class Speeds:
    """Generated tokens per second, by the names of backbones. All methods raise ServiceError without the database."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def note(self, backbone: str, tokens_per_second: float) -> None:
        """A build has had this speed lately; zero says nothing, since it had not got to sampling yet."""
        if tokens_per_second <= 0:
            return
        async with transaction(self._pool) as connection:
            await connection.execute(
                "INSERT INTO backbone_speeds AS known (backbone, tokens_per_second)"
                " VALUES (%(backbone)s, %(now)s) ON CONFLICT (backbone) DO UPDATE SET at = now(), tokens_per_second ="
                " excluded.tokens_per_second + (known.tokens_per_second - excluded.tokens_per_second)"
                " * exp(-extract(epoch FROM now() - known.at)::double precision / %(memory)s)",
                {"backbone": backbone, "now": tokens_per_second, "memory": _MEMORY_S},
            )

    async def all(self) -> dict[str, float]:
        """The mean of each backbone that any build has run on; what is recent weighs most."""
        async with transaction(self._pool) as connection:
            cursor = await connection.execute("SELECT backbone, tokens_per_second FROM backbone_speeds")
            return {row["backbone"]: row["tokens_per_second"] for row in await cursor.fetchall()}
