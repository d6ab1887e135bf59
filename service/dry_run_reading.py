"""What came of the drafts of a dry run, and what that says of the whole build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg.types.json import Jsonb

from pipeline.reader import BuildReader
from publishers.shard import config_name
from schemas.conversation import Conversation, Gate
from schemas.dry_run import DRAFTS, DryDraft, DryRun, Estimate
from schemas.funnel import DroppedSample, Funnel
from schemas.recipe import Recipe
from schemas.verdict import Drop, Keep
from service.database import Pool, transaction
from service.evidence import offending_segment

# The newest ones say most.
_BUILDS = 20
_ALL = 1000


@dataclass(frozen=True, slots=True)
class Sampled:
    """The drafts of a dry run, and the account of them."""

    drafts: tuple[DryDraft, ...]
    funnel: Funnel


@dataclass(frozen=True, slots=True)
class Earlier:
    """What earlier builds have accepted, and the tokens that it took."""

    builds: int
    accepted: int
    tokens: int


def read_drafts(folder: Path, tokens: Mapping[str, int]) -> Sampled:
    """The drafts of the build in the folder; `tokens` were generated for each, by its id.

    Materials that were unfit to begin with are shown only where they leave room.
    """
    reader = BuildReader(folder)
    accepted = [(row.id, _accepted(row)) for _, row in reader.accepted(limit=DRAFTS)]
    dropped = [(drop.draft_id, _dropped(drop, tokens)) for _, drop in reader.dropped(limit=_ALL)]
    sampled = sorted([*accepted, *dropped], key=lambda one: (one[1].gate == Gate.MATERIAL, _index(one[0])))[:DRAFTS]
    sampled.sort(key=lambda one: _index(one[0]))
    return Sampled(tuple(draft for _, draft in sampled), reader.funnel())


async def earlier_builds(pool: Pool, recipe: Recipe) -> Earlier:
    """The builds on the same backbone that make the same conversations. Raises ServiceError."""
    made = recipe.model_dump(mode="json")
    async with transaction(pool) as connection:
        cursor = await connection.execute(
            "SELECT count(*) AS builds, coalesce(sum((progress->>'accepted')::bigint), 0)::bigint AS accepted,"
            " coalesce(sum((progress->>'tokens')::bigint), 0)::bigint AS tokens FROM ("
            "  SELECT progress FROM jobs WHERE kind = 'build' AND progress IS NOT NULL"
            "   AND recipe->>'backbone' = %(backbone)s AND language = %(language)s"
            "   AND (recipe->'modes')::jsonb = %(modes)s AND (recipe->'filters')::jsonb = %(filters)s"
            "   ORDER BY number DESC LIMIT %(most)s) AS earlier",
            {
                "backbone": recipe.backbone,
                "language": recipe.language,
                "modes": Jsonb(made["modes"]),
                "filters": Jsonb(made["filters"]),
                "most": _BUILDS,
            },
        )
        row = await cursor.fetchone()
    return Earlier(**row) if row else Earlier(0, 0, 0)


def estimated(recipe: Recipe, sampled: Sampled, earlier: Earlier, speed: float | None, took_s: float) -> DryRun:
    """What the drafts, and earlier builds, say of the recipe's target. `speed`: tokens a second, as builds had it."""
    funnel = sampled.funnel
    ended = [draft for draft in sampled.drafts if draft.gate != Gate.MATERIAL]
    accepted = funnel.accepted + earlier.accepted
    each = (funnel.completion_tokens + earlier.tokens) / accepted if accepted else None
    if speed is None:
        ours = funnel.completion_tokens / funnel.engine_seconds if funnel.engine_seconds else None
    else:
        ours = speed
    estimate = None
    if each is not None and ours:
        tokens = round(each * recipe.target.conversations)
        estimate = Estimate(tokens=tokens, seconds=tokens / ours)
    return DryRun(
        recipe=recipe.model_dump(mode="json"),
        drafts=sampled.drafts,
        acceptance=funnel.accepted / len(ended) if ended else None,
        tokens=funnel.completion_tokens,
        builds=earlier.builds,
        tokens_per_accepted=each,
        tokens_per_second=ours,
        measured="drafts" if speed is None else "jobs",
        estimate=estimate,
        no_estimate=None if estimate is not None else _why_none(sampled, len(ended)),
        took_seconds=took_s,
    )


def _why_none(sampled: Sampled, ended: int) -> str:
    if not ended:
        reason = next(iter(sampled.funnel.reasons()), None)
        return (
            f"nothing was sampled: all that drafts were to be made from was unfit ({reason})"
            if reason
            else ("nothing was sampled: there was nothing to make drafts from")
        )
    if not sampled.funnel.accepted:
        reason = next(iter(sampled.funnel.reasons()))
        return (
            f"none of {ended} drafts was accepted, most often for {reason}, and no earlier build of the same modes and"
            " filters says what a conversation takes"
        )
    return "the drafts took no time that could be measured"


def _accepted(row: Conversation) -> DryDraft:
    return DryDraft(
        accepted=True,
        messages=row.messages,
        verdict=Keep(scores=row.scores),
        gate="accepted",
        mode=config_name(row.mode, row.language),
        tokens=row.completion_tokens,
    )


def _dropped(drop: DroppedSample, tokens: Mapping[str, int]) -> DryDraft:
    return DryDraft(
        accepted=False,
        messages=drop.messages,
        verdict=Drop(reason=drop.reason, evidence=drop.evidence, turn=drop.turn),
        segment=offending_segment(drop),
        gate=drop.gate,
        mode=drop.mode,
        tokens=tokens.get(drop.draft_id, 0),
    )


def _index(draft_id: str) -> int:
    return int(draft_id.rpartition("-")[2])
