"""The streaming run: one draft is one coroutine, and a window of them is in flight at once, without barriers."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field

from generators.backbone import Backbone
from pipeline.acceptance import Acceptance
from pipeline.accounts import NOT_NEEDED, RowMaker, dropped_sample, funnel_row
from pipeline.adaptive import AdaptiveMixer
from pipeline.draft_backbone import DraftBackbone, TurnCutError
from pipeline.judging import Gates
from pipeline.mixing import ModeMixer, Start, label
from pipeline.outcomes import Accepted, CutOff, Dropped, Outcome
from publishers.shard import config_name, split_of
from schemas.arms import Arm
from schemas.conversation import Gate
from schemas.funnel import Diversity
from schemas.recipe import Recipe
from schemas.verdict import Drop


@dataclass(slots=True)
class Counts:
    """How many drafts have ended, those of earlier runs included."""

    accepted: int
    dropped: int
    passed_over: int = 0
    """Those of the dropped whose material was unfit: nothing was sampled for them."""

    @property
    def sampled(self) -> int:
        return self.accepted + self.dropped - self.passed_over


@dataclass(slots=True)
class Indices:
    """The draft indices still to run: those that an earlier run left unfinished first, then new ones."""

    low_water: int
    done: set[int]
    _next: int = field(init=False)

    def __post_init__(self) -> None:
        self._next = self.low_water

    @property
    def next(self) -> int:
        """The one that `take` gives."""
        while self._next in self.done:
            self.done.remove(self._next)
            self._next += 1
        return self._next

    def take(self) -> int:
        taken = self.next
        self._next += 1
        return taken


class Stream:
    """Runs drafts until enough are accepted. What has ended is fetched with `collect`, by whoever keeps the ledger."""

    def __init__(
        self,
        recipe: Recipe,
        fingerprint: str,
        mixer: ModeMixer,
        backbone: Backbone,
        gates: Gates,
        steering: AdaptiveMixer,
        counts: Counts,
        indices: Indices,
    ) -> None:
        self._recipe = recipe
        self._rows = RowMaker(recipe, fingerprint)
        self._mixer = mixer
        self._backbone = backbone
        self._gates = gates
        self._steering = steering
        self._indices = indices
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._outcomes: list[Outcome] = []
        self._failure: BaseException | None = None
        self._acceptance = Acceptance(counts.accepted, counts.sampled)
        self.counts = counts
        self._unfinished_tokens = 0
        self.completion_tokens = 0
        self.used_up = False
        """Whether a run has ended because there is nothing left to make drafts from."""

    @property
    def in_flight(self) -> int:
        return len(self._tasks)

    @property
    def reached(self) -> bool:
        return self.counts.accepted >= self._recipe.target.conversations

    @property
    def exhausted(self) -> bool:
        """Whether the recipe says to give up: too many drafts, or too few of them accepted."""
        target, sampled = self._recipe.target, self.counts.sampled
        if target.max_drafts is not None and sampled >= target.max_drafts:
            return True
        return sampled >= 1000 and self.counts.accepted < target.min_acceptance * sampled

    def changed(self) -> None:
        """Something that a draft waits for may be there."""
        self._changed.set()

    def collect(self) -> list[Outcome]:
        """What has ended since the last call."""
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def collect_arms(self) -> list[Arm]:
        """The arms that drafts have used which ended since the last call."""
        return self._steering.collect()

    def collect_unfinished_tokens(self) -> int:
        """Tokens spent since the last call on drafts that were given up in flight."""
        tokens, self._unfinished_tokens = self._unfinished_tokens, 0
        return tokens

    def diversity(self) -> Diversity | None:
        """Of the rows accepted so far."""
        return self._gates.diversity()

    async def run(self, stop: asyncio.Event) -> None:
        """Run drafts until the target is reached, the recipe says to give up, nothing is left, or `stop` is set.

        Drafts still in flight then are cancelled in the engine; at the target they count as not needed, or are
        finished first where the recipe says so, else they count as unfinished. Raises the first error of a draft,
        after cancelling the others, and what reading a dataset raises.
        """
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._changed.set())
        try:
            while not (stop.is_set() or self._failure or self._over()):
                while self._worth_starting() and (start := self._mixer.start(self._indices.next, self._left())):
                    self._start(self._indices.take(), start)
                if not self._tasks and self._mixer.exhausted:
                    self.used_up = True
                    break
                self._changed.clear()
                await self._changed.wait()
        finally:
            stopping.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._failure:
            raise self._failure

    def _over(self) -> bool:
        ended = self.reached or self.exhausted
        return ended and not (self._recipe.target.drain and self._tasks)

    def _worth_starting(self) -> bool:
        """Whether another draft is: the window has room, and those in flight are not likely to be enough.

        Those that are cancelled at the target would be the slow ones, and the dataset would have too many short
        conversations; so there are as few of them as chance allows.
        """
        in_flight, most = len(self._tasks), self._recipe.target.max_drafts
        if in_flight >= (self._recipe.window or self._backbone.window):
            return False
        # What fails can be made up for, what succeeds beyond need cannot be undone.
        return self._missing >= 0.5 + self._acceptance.spread and (
            most is None or self.counts.sampled + in_flight < most
        )

    @property
    def _missing(self) -> float:
        """Rows that neither are there nor are likely to come from the drafts in flight."""
        return self._recipe.target.conversations - self.counts.accepted - self._acceptance.expected

    def _left(self) -> float:
        """Drafts that are likely to begin yet."""
        left = self._missing / self._acceptance.share
        most = self._recipe.target.max_drafts
        return left if most is None else min(left, most - self.counts.sampled - len(self._tasks))

    def _start(self, index: int, start: Start) -> None:
        task = asyncio.create_task(self._run_draft(index, start, self._acceptance.start()))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) and self._failure is None:
            self._failure = error
        self._changed.set()

    async def _run_draft(self, index: int, start: Start, number: int) -> None:
        """One draft, from its first token to its verdict; what it claimed at a gate is released unless it is kept."""
        mode, material = start
        draft = mode.begin(index, material, self._steering.preference(label(mode)))
        spent = DraftBackbone(self._backbone, draft, self._gates, self._recipe.filters.watch)
        scores: dict[str, float] = {}
        used = (label(mode), material.number) if material is not None else None
        ended = False
        try:
            if material is not None and material.fault is not None:
                ended = True
                self._end_dropped(number, spent, Gate.MATERIAL, material.fault, used)
                return
            async with aclosing(mode.steps(draft, material, spent)) as steps:
                async for step in steps:
                    spent.draft = step.draft
                    verdict = await self._gates.judge(step.draft, step.gate)
                    if isinstance(verdict, Drop):
                        ended = True
                        self._end_dropped(number, spent, step.gate, verdict, used)
                        return
                    self._acceptance.passed(number)
                    for name, score in verdict.scores.items():
                        scores[name] = min(score, scores.get(name, score))
            if not self.reached or self._recipe.target.drain:
                ended = True
                self._acceptance.end(number, accepted=True)
                self._accept(spent, scores, used)
                return
        except TurnCutError as cut:
            ended = True
            spent.draft = cut.draft
            self._end_dropped(number, spent, Gate.SAMPLING, cut.drop, used)
        finally:
            self.completion_tokens += spent.completion_tokens
            if not ended:
                self._give_up(spent)
            # A claim that was confirmed stays.
            self._gates.release(draft.id)

    def _give_up(self, spent: DraftBackbone) -> None:
        """The draft ends without a verdict; its index runs again in a later run, if there is one."""
        if self.reached:
            self._outcomes.append(CutOff(funnel_row(spent.draft, spent, NOT_NEEDED, NOT_NEEDED)))
        else:
            self._unfinished_tokens += spent.completion_tokens

    def _accept(self, spent: DraftBackbone, scores: dict[str, float], used: tuple[str, int] | None) -> None:
        draft = spent.draft
        signature, embedding = self._gates.confirm(draft.id)
        self.counts.accepted += 1
        self._steering.count(draft, spent.completion_tokens, accepted=True)
        self._outcomes.append(
            Accepted(
                draft_index=draft.index,
                account=funnel_row(draft, spent, "accepted", "accepted"),
                row=self._rows.row(draft, spent, scores),
                config=config_name(draft.mode, draft.language),
                split=split_of(
                    draft.source.document if draft.source is not None else draft.id,
                    self._recipe.output.validation_share,
                ),
                signature=signature,
                embedding=embedding,
                material=used,
            )
        )

    def _end_dropped(
        self, number: int, spent: DraftBackbone, gate: Gate, drop: Drop, used: tuple[str, int] | None
    ) -> None:
        self.counts.dropped += 1
        self._mixer.dropped(config_name(spent.draft.mode, spent.draft.language))
        if gate is Gate.MATERIAL:
            self.counts.passed_over += 1
            self._acceptance.pass_over(number)
        else:
            self._acceptance.end(number, accepted=False)
        draft = spent.draft
        self._steering.count(draft, spent.completion_tokens, accepted=False)
        account = funnel_row(draft, spent, gate, drop.reason)
        self._outcomes.append(Dropped(draft.index, account, dropped_sample(draft, gate, drop), used))
