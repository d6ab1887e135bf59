"""What a publication does not tell about the machine that made it."""

from __future__ import annotations

import pytest

from publishers.redaction import without_folders


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "repeats row 3 of /home/ane/data/bench.parquet; this one: Kaixo",
            "repeats row 3 of bench.parquet; this one: Kaixo",
        ),
        ("'/srv/a/b'", "'b'"),
        ("https://example.org/a/b stays", "https://example.org/a/b stays"),
        ("1/2/3 and either/or stay", "1/2/3 and either/or stay"),
        ("<b>bai</b> stays", "<b>bai</b> stays"),
    ],
)
def test_folders_are_left_out_of_a_text(text: str, told: str) -> None:
    assert without_folders(text) == told
