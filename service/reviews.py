"""Review marks in the database."""

from __future__ import annotations

from schemas.review import Review, ReviewMark
from service.database import Pool, transaction

_COLUMNS = "row_id, reviewer, language, content, note, at"


class ReviewStore:
    """The marks of all builds, one for each row and reviewer. All methods raise ServiceError without the database."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def put(self, job_id: str, row_id: str, reviewer: str, mark: ReviewMark) -> Review | None:
        """Mark a row, in place of what the reviewer said of it before; None when there is no such job any more."""
        async with transaction(self._pool) as connection:
            # The lock has the numbers of new reviewers given one after another.
            job = await connection.execute("SELECT id FROM jobs WHERE id = %s FOR UPDATE", [job_id])
            if await job.fetchone() is None:
                return None
            await connection.execute(
                "INSERT INTO reviewers (job_id, reviewer, number)"
                " SELECT %(job)s, %(reviewer)s, 1 + coalesce(max(number), 0) FROM reviewers WHERE job_id = %(job)s"
                " ON CONFLICT (job_id, reviewer) DO NOTHING",
                {"job": job_id, "reviewer": reviewer},
            )
            cursor = await connection.execute(
                "INSERT INTO reviews (job_id, row_id, reviewer, language, content, note)"
                " VALUES (%(job)s, %(row)s, %(reviewer)s, %(language)s, %(content)s, %(note)s)"
                " ON CONFLICT (job_id, row_id, reviewer) DO UPDATE SET"
                " language = excluded.language, content = excluded.content, note = excluded.note, at = now()"
                f" RETURNING {_COLUMNS}",
                {"job": job_id, "row": row_id, "reviewer": reviewer, **mark.model_dump()},
            )
            return Review.model_validate(await cursor.fetchone())

    async def delete(self, job_id: str, row_id: str, reviewer: str) -> bool:
        """Take a mark back; whether there was one."""
        async with transaction(self._pool) as connection:
            cursor = await connection.execute(
                "DELETE FROM reviews WHERE job_id = %s AND row_id = %s AND reviewer = %s", [job_id, row_id, reviewer]
            )
            return cursor.rowcount > 0

    async def page(
        self, job_id: str, after: tuple[str, str] | None, limit: int, reviewer: str | None = None
    ) -> list[Review]:
        """Up to `limit` marks, by row and reviewer, above (row id, reviewer); those of one reviewer, or of all."""
        row, name = after or ("", "")
        async with transaction(self._pool) as connection:
            cursor = await connection.execute(
                f"SELECT {_COLUMNS} FROM reviews WHERE job_id = %(job)s AND (row_id, reviewer) > (%(row)s, %(name)s)"
                " AND (%(reviewer)s::text IS NULL OR reviewer = %(reviewer)s)"
                " ORDER BY row_id, reviewer LIMIT %(limit)s",
                {"job": job_id, "row": row, "name": name, "reviewer": reviewer, "limit": limit},
            )
            return [Review.model_validate(found) for found in await cursor.fetchall()]

    async def to_publish(self, job_id: str) -> tuple[Review, ...]:
        """All marks of a build, with `reviewer-1`, `reviewer-2`, ... in place of names.

        The numbers are in the order of the first marks, and nobody ever gets another one, or somebody else's.
        """
        async with transaction(self._pool) as connection:
            cursor = await connection.execute(
                "SELECT row_id, 'reviewer-' || number AS reviewer, language, content, note, at"
                " FROM reviews JOIN reviewers USING (job_id, reviewer) WHERE job_id = %s ORDER BY row_id, number",
                [job_id],
            )
            return tuple([Review.model_validate(found) for found in await cursor.fetchall()])
