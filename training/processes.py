"""Several processes that train one model: what the first does for all, and what they agree on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather

from schemas.errors import IturriError, TrainingError

T = TypeVar("T")


class OtherProcessError(TrainingError):
    """Another process has failed, and says why; this one ends with it."""

    def __init__(self, exit_code: int) -> None:
        super().__init__("another process of this run has failed")
        self.exit_code = exit_code


def by_first(work: Callable[[], T]) -> T:
    """What `work` gives in the first process, for all of them. All must call this.

    An error is raised there, and OtherProcessError in the others, which would else wait for the first without end.
    """
    state = PartialState()
    if state.num_processes == 1:
        return work()
    told: list[Any] = [None, None]
    error: Exception | None = None
    if state.is_main_process:
        try:
            told[0] = work()
        except Exception as caught:  # noqa: BLE001 - it is raised below
            error = caught
            told[1] = caught.exit_code if isinstance(caught, IturriError) else 1
    broadcast_object_list(told)
    if error is not None:
        raise error
    if told[1] is not None:
        raise OtherProcessError(told[1])
    result: T = told[0]
    return result


def largest(number: int) -> int:
    """Of the numbers of all processes. All must call this."""
    state = PartialState()
    if state.num_processes == 1:
        return number
    return int(gather(torch.tensor([number], device=state.device)).max())
