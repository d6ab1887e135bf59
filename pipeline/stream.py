"""The streaming run: one draft is one coroutine, and a window of them is in flight at once, without barriers."""

from __future__ import annotations

import asyncio
import json
import math
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from generators.backbone import Backbone
from generators.modes import ModeMixer
from pipeline.acceptance import Acceptance
from pipeline.judging import Gates
from pipeline.ledger import Accepted, Dropped, Outcome
from publishers.shard import config_name, split_of
from schemas.conversation import Conversation, Draft, Gate
from schemas.funnel import Diversity, DroppedSample, FunnelRow
from schemas.modes import ModeSpec
from schemas.recipe import Recipe
from schemas.verdict import Drop


@dataclass(slots=True)
class Counts:
    """How many drafts have ended, those of earlier runs included."""

    accepted: int
    dropped: int

    @property
    def ended(self) -> int:
        return self.accepted + self.dropped


@dataclass(slots=True)
class Indices:
    """The draft indices still to run: those that an earlier run left unfinished first, then new ones."""

    low_water: int
    done: set[int]
    _next: int = field(init=False)

    def __post_init__(self) -> None:
        self._next = self.low_water

    def take(self) -> int:
        while self._next in self.done:
            self.done.remove(self._next)
            self._next += 1
        self._next += 1
        return self._next - 1


class Stream:
    """Runs drafts until enough are accepted. What has ended is fetched with `collect`, by whoever keeps the ledger."""

    def __init__(
        self,
        recipe: Recipe,
        fingerprint: str,
        mixer: ModeMixer,
        backbone: Backbone,
        gates: Gates,
        counts: Counts,
        indices: Indices,
    ) -> None:
        self._recipe = recipe
        self._fingerprint = fingerprint
        self._mixer = mixer
        self._backbone = backbone
        self._gates = gates
        self._indices = indices
        self._window = recipe.window or backbone.window
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._outcomes: list[Outcome] = []
        self._failure: BaseException | None = None
        self._sampling: dict[str, dict[str, Any]] = {mode.mode: _sampling(mode) for mode in recipe.modes}
        self._acceptance = Acceptance(counts.accepted, counts.ended)
        self.counts = counts
        self._unfinished_tokens = 0
        self.completion_tokens = 0

    @property
    def in_flight(self) -> int:
        return len(self._tasks)

    @property
    def reached(self) -> bool:
        return self.counts.accepted >= self._recipe.target.conversations

    @property
    def exhausted(self) -> bool:
        """Whether the recipe says to give up: too many drafts, or too few of them accepted."""
        target, ended = self._recipe.target, self.counts.ended
        if target.max_drafts is not None and ended >= target.max_drafts:
            return True
        return ended >= 1000 and self.counts.accepted < target.min_acceptance * ended

    def collect(self) -> list[Outcome]:
        """What has ended since the last call."""
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def collect_unfinished_tokens(self) -> int:
        """Tokens spent since the last call on drafts that were given up in flight."""
        tokens, self._unfinished_tokens = self._unfinished_tokens, 0
        return tokens

    def diversity(self) -> Diversity | None:
        """Of the rows accepted so far."""
        return self._gates.diversity()

    async def run(self, stop: asyncio.Event) -> None:
        """Run drafts until the target is reached, the recipe says to give up, or `stop` is set.

        Drafts still in flight then are cancelled in the engine, and count as unfinished. Raises the first error of a
        draft, after cancelling the others.
        """
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._changed.set())
        try:
            while not (stop.is_set() or self.reached or self.exhausted or self._failure):
                while len(self._tasks) < self._wanted():
                    self._start(self._indices.take())
                self._changed.clear()
                await self._changed.wait()
        finally:
            stopping.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._failure:
            raise self._failure

    def _wanted(self) -> int:
        """Drafts worth having in flight: the window, or what the rest of the target needs at the present acceptance.

        No more than that, since the drafts that are cancelled at the target would be the slow ones, and the dataset
        would have too many short conversations.
        """
        target = self._recipe.target
        needed = math.ceil((target.conversations - self.counts.accepted) / self._acceptance.share)
        if target.max_drafts is not None:
            needed = min(needed, target.max_drafts - self.counts.ended)
        return min(self._window, needed)

    def _start(self, index: int) -> None:
        task = asyncio.create_task(self._draft(index))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and self._failure is None:
            self._failure = error
        self._changed.set()

    async def _draft(self, index: int) -> None:
        """One draft, from its first token to its verdict; what it claimed at a gate is released unless it is kept."""
        number = self._acceptance.start()
        draft: Draft | None = None
        scores: dict[str, float] = {}
        kept = False
        try:
            async with aclosing(self._mixer.draft(index, self._backbone)) as steps:
                async for step in steps:
                    draft = step.draft
                    verdict = await self._gates.judge(draft, step.gate)
                    if isinstance(verdict, Drop):
                        self._acceptance.end(number, accepted=False)
                        self._drop(draft, step.gate, verdict)
                        return
                    for name, score in verdict.scores.items():
                        scores[name] = min(score, scores.get(name, score))
            if draft is not None and not self.reached:
                kept = True
                self._acceptance.end(number, accepted=True)
                self._accept(draft, scores)
        except BaseException:
            if draft is not None:
                self._unfinished_tokens += draft.completion_tokens
            raise
        finally:
            if draft is not None:
                self.completion_tokens += draft.completion_tokens
                if not kept:
                    self._gates.release(draft.id)

    def _accept(self, draft: Draft, scores: dict[str, float]) -> None:
        row = Conversation(
            id=draft.id,
            messages=tuple(turn.message() for turn in draft.turns),
            language=draft.language,
            mode=draft.mode,
            exchanges=draft.exchanges,
            backbone=self._backbone.name,
            backbone_revision=self._backbone.revision,
            sampling=_how_it_was_made(self._sampling[draft.mode], draft),
            template_hash=self._backbone.template.hash,
            recipe_fingerprint=self._fingerprint,
            scores=scores,
            source_document=draft.source_document,
            prompt_tokens=draft.prompt_tokens,
            completion_tokens=draft.completion_tokens,
        )
        signature, embedding = self._gates.confirm(draft.id)
        self.counts.accepted += 1
        self._outcomes.append(
            Accepted(
                draft_index=draft.index,
                account=_account(draft, "accepted", "accepted"),
                row=row,
                config=config_name(draft.mode, draft.language),
                split=split_of(draft.id, self._recipe.output.validation_share),
                signature=signature,
                embedding=embedding,
            )
        )

    def _drop(self, draft: Draft, gate: Gate, drop: Drop) -> None:
        self.counts.dropped += 1
        sample = DroppedSample(
            draft_id=draft.id,
            mode=draft.mode,
            gate=gate,
            reason=drop.reason,
            evidence=drop.evidence,
            turn=drop.turn,
            messages=tuple(turn.message() for turn in draft.turns),
        )
        self._outcomes.append(Dropped(draft.index, _account(draft, gate, drop.reason), sample))


def _account(draft: Draft, gate: str, reason: str) -> FunnelRow:
    return FunnelRow(
        mode=draft.mode,
        gate=gate,
        exchange=max(1, sum(turn.role == "user" for turn in draft.turns)),
        reason=reason,
        drafts=1,
        prompt_tokens=draft.prompt_tokens,
        completion_tokens=draft.completion_tokens,
    )


def _sampling(mode: ModeSpec) -> dict[str, Any]:
    return {
        "user": mode.user_sampling.model_dump(mode="json", exclude_defaults=True),
        "reply": mode.reply_sampling.model_dump(mode="json", exclude_defaults=True),
    }


def _how_it_was_made(sampling: dict[str, Any], draft: Draft) -> str:
    made = {**sampling, "steering": draft.steering.model_dump(mode="json", exclude_defaults=True)}
    if sanitised := [number for number, turn in enumerate(draft.turns) if turn.sanitised]:
        made["sanitised_turns"] = sanitised
    return json.dumps(made, ensure_ascii=False, sort_keys=True)
