"""The filters of a recipe in the order they run, and the ways to run them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from filters.contamination import ContaminationJudge
from filters.duplicates.judge import DuplicateJudge
from filters.duplicates.memory import Memory
from filters.filter import Filter
from filters.grounding import GroundingJudge
from filters.language import LanguageJudge
from filters.repetition import RepetitionJudge
from filters.shape import ShapeJudge
from filters.translation import TranslationJudge
from languages.pack import LanguagePack
from schemas.conversation import Draft, Gate
from schemas.errors import LanguageError
from schemas.filters import DuplicateFilter, Filters
from schemas.verdict import Drop, Keep, Verdict


class Known(NamedTuple):
    """What `filters.duplicates.against` names: benchmarks, and (id, signature) of the rows of earlier publications."""

    contamination: ContaminationJudge | None = None
    earlier: Iterable[tuple[str, bytes]] | None = None

    def compared(self, duplicates: DuplicateFilter) -> bool:
        """Whether first user turns are compared with anything."""
        return duplicates.enabled or self.earlier is not None


NOTHING = Known()


# The heavy filters of this process, where it is one of a pool; or why there are none.
_worker_filters: list[Filter] = []
_worker_faults: list[LanguageError] = []


def open_filters(
    filters: Filters,
    pack: LanguagePack | None,
    known: Known = NOTHING,
    memory: Memory | None = None,
    others: Sequence[LanguagePack] = (),
) -> tuple[Filter, ...]:
    """The enabled filters, cheapest first. Raises LanguageError when the language cannot be told.

    Without a pack only those run that need no language. `memory` is for what they remember, `others` are the packs of
    the other languages that turns may be in.

    Duplicates come after the filters without state, so that nothing they drop is ever claimed, and before the language,
    which costs a hundred times as much; a text in the wrong language gives its claim back as soon as it is dropped,
    and a repeat of it would have been dropped for its language too.
    """
    return (*open_cheap_filters(filters, pack, known, memory, others), *_heavy(filters, pack, others))


def open_cheap_filters(
    filters: Filters,
    pack: LanguagePack | None,
    known: Known = NOTHING,
    memory: Memory | None = None,
    others: Sequence[LanguagePack] = (),
) -> tuple[Filter, ...]:
    """Those of open_filters that need no process of their own."""
    shape = (ShapeJudge.open(filters.shape, _needed(pack), others),) if filters.shape.enabled else ()
    repetition = (RepetitionJudge.open(filters.repetition),) if filters.repetition.enabled else ()
    translation = (TranslationJudge.open(filters.translation),) if filters.translation.enabled else ()
    # Without a language there is no passage either.
    about = pack is not None and filters.grounding.enabled
    grounding = (GroundingJudge.open(filters.grounding, _needed(pack), others),) if about else ()
    contamination = (known.contamination,) if known.contamination is not None else ()
    return (*shape, *repetition, *translation, *grounding, *contamination, *_duplicates(filters, known, memory))


def heavy_gates(filters: Filters) -> frozenset[Gate]:
    """Where the heavy filters of open_filters stand."""
    return LanguageJudge.gates if filters.language.enabled else frozenset()


def judge(filters: Iterable[Filter], draft: Draft, gate: Gate) -> Verdict:
    """The first Drop of the filters that stand at this gate, or a Keep with the scores of all."""
    scores: dict[str, float] = {}
    for one in filters:
        if gate in one.gates:
            verdict = one.judge(draft, gate)
            if isinstance(verdict, Drop):
                return verdict
            scores.update(verdict.scores)
    return Keep(scores=scores)


def walk(filters: Iterable[Filter], draft: Draft) -> Verdict:
    """A whole conversation through its gates, as a build judges it: the first Drop, or what the last gate says."""
    filters = tuple(filters)
    for count, turn in enumerate(draft.turns, 1):
        so_far = draft.model_copy(update={"turns": draft.turns[:count]})
        verdict = judge(filters, so_far, Gate.USER_TURN if turn.role == "user" else Gate.REPLY)
        if isinstance(verdict, Drop):
            return verdict
    return judge(filters, draft, Gate.CONVERSATION)


def init_worker(filters: Filters, pack: LanguagePack, others: Sequence[LanguagePack] = ()) -> None:
    """Make a process of a pool ready for judge_in_worker: open its heavy filters.

    What is wrong with them is said there, since a pool does not tell what an initializer raises.
    """
    try:
        _worker_filters[:] = _heavy(filters, pack, others)
    except LanguageError as error:
        _worker_faults[:] = [error]


def judge_in_worker(batch: list[tuple[Draft, Gate]]) -> list[Verdict]:
    """Verdicts of the heavy filters, one for each draft of the batch, in order. Needs init_worker in this process.

    Raises LanguageError when the language cannot be told.
    """
    for fault in _worker_faults:
        raise fault
    return [judge(_worker_filters, draft, gate) for draft, gate in batch]


def _duplicates(filters: Filters, known: Known, memory: Memory | None) -> tuple[Filter, ...]:
    if not known.compared(filters.duplicates):
        return ()
    judge = DuplicateJudge(filters.duplicates, memory)
    judge.hold_against(known.earlier or ())
    return (judge,)


def _heavy(filters: Filters, pack: LanguagePack | None, others: Sequence[LanguagePack]) -> tuple[Filter, ...]:
    return (LanguageJudge.open(filters.language, _needed(pack), others),) if filters.language.enabled else ()


def _needed(pack: LanguagePack | None) -> LanguagePack:
    if pack is None:
        raise LanguageError("the filters of shape and language need a language")
    return pack
