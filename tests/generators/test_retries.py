"""Waiting before a request is tried again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.retries import backoff_s, retry_after_s

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@given(st.integers(0, 10_000), st.floats(0, 300))
def test_the_wait_is_bounded_and_never_shorter_than_asked(attempt: int, after: float) -> None:
    wait = backoff_s(attempt, after)
    assert after <= wait <= max(60.0, after)
    assert wait >= min(60.0, 0.5 * 2 ** min(attempt, 16)) / 2


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0),
        ("7", 7),
        ("1.5", 1.5),
        ("-3", 0),
        ("99999", 300),
        ("nan", 0),
        ("Mon, 23 Nov 2026 12:00:20 GMT", 20),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("laster", 0),
    ],
)
def test_retry_after(header: str | None, seconds: float) -> None:
    assert retry_after_s(header, NOW) == seconds


@given(st.text())
def test_any_header_gives_seconds(header: str) -> None:
    assert 0 <= retry_after_s(header, NOW) <= 300
