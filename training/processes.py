"""Several processes that train one model: what the first does for all, and what they agree on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather

from schemas.errors import IturriError, TrainingError

T = TypeVar("T")

_PATIENCE = timedelta(days=7)  # of the others, while the first prepares the data or merges


class OtherProcessError(TrainingError):
    """Another process has failed, and says why; this one ends with it."""

    def __init__(self, exit_code: int) -> None:
        super().__init__("another process of this run has failed")
        self.exit_code = exit_code


def processes() -> PartialState:
    """Which of how many this is, as the launcher has it: on GPUs where there are any, else on the CPU."""
    return PartialState(cpu=not torch.cuda.is_available(), timeout=_PATIENCE)


def by_first(work: Callable[[], T]) -> T:
    """What `work` gives in the first process, for all of them. All must call this.

    An error is raised there, and OtherProcessError in the others, which would else wait for the first without end.
    """
    state = processes()
    if state.num_processes == 1:
        return work()
    told: list[Any] = [together(work) if state.is_main_process else together(lambda: None)]
    broadcast_object_list(told)
    result: T = told[0]
    return result


def together(work: Callable[[], T]) -> T:
    """What `work` gives, in each of the processes. All must call this.

    An error is raised in the first process that has one, and OtherProcessError in the others.
    """
    state = processes()
    if state.num_processes == 1:
        return work()
    error: Exception | None = None
    try:
        result = work()
    except Exception as caught:  # noqa: BLE001 - it is raised below
        error = caught
    # Its exit code where one has failed, before it the process: the first that has failed is the largest.
    code = 0 if error is None else error.exit_code if isinstance(error, IturriError) else 1
    failed = largest(1000 * (state.num_processes - state.process_index) + code if code else 0)
    if not failed:
        return result
    if error is not None and state.num_processes - state.process_index == failed // 1000:
        raise error
    raise OtherProcessError(failed % 1000)


def largest(number: int) -> int:
    """Of the numbers of all processes. All must call this."""
    state = processes()
    if state.num_processes == 1:
        return number
    return int(gather(torch.tensor([number], device=state.device)).max())
