"""The circuit breaker of an endpoint, on a clock of its own."""

from __future__ import annotations

from generators.circuit import Circuit


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_failures_in_a_row_open_it_and_a_success_between_does_not() -> None:
    circuit = Circuit(Clock())
    for _ in range(4):
        circuit.failed("500")
    circuit.succeeded()
    for _ in range(4):
        circuit.failed("500")
    assert not circuit.is_open
    circuit.failed("503")
    assert (circuit.is_open, circuit.reason) == (True, "503")


def test_it_is_due_once_it_has_cooled_down_longer_each_time() -> None:
    clock = Clock()
    circuit = Circuit(clock)
    waits: list[float] = []
    for _ in range(12):
        circuit.open("gone")
        assert not circuit.due
        start = clock.now
        while not circuit.due:
            clock.now += 0.125
        waits.append(clock.now - start)
    assert waits == sorted(waits)
    assert (waits[0], waits[1], waits[-1]) == (0.25, 0.5, 30.0)


def test_on_probation_one_failure_is_enough_and_a_success_ends_it() -> None:
    clock = Clock()
    circuit = Circuit(clock)
    circuit.open("gone")
    circuit.close()
    assert not circuit.is_open
    circuit.failed("500")
    assert circuit.is_open
    clock.now = 0.25
    assert not circuit.due
    clock.now = 0.5
    assert circuit.due
    circuit.close()
    circuit.succeeded()
    circuit.failed("500")
    assert not circuit.is_open


def test_what_was_under_way_when_it_opened_changes_nothing() -> None:
    circuit = Circuit(Clock())
    circuit.open("gone")
    circuit.succeeded()
    circuit.failed("late")
    assert circuit.reason == "gone"
