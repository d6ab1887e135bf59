from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from filters.duplicates.memory import Memory
from filters.duplicates.row_names import RowNames

ids = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.integers(0, 10**12).map(str),
    st.integers(0, 10**8 - 1).map(lambda number: f"fddf9a10-0570f982-{number:08d}"),
    st.sampled_from(["0", "00", "x0", "x00", "x٣", "a\n1"]),
)


@given(st.lists(st.tuples(st.integers(0, 40), ids)))
def test_every_row_keeps_its_name(named: list[tuple[int, str | None]]) -> None:
    names = RowNames(Memory())
    expected: dict[int, str] = {}
    unnamed = 0
    for row, id in named:
        names.put([row], [id])
        expected[row] = f"kept row {unnamed}" if id is None else id
        unnamed += id is None
    for row, name in expected.items():
        assert names.get(row) == name


def test_eight_bytes_a_row() -> None:
    names = RowNames(Memory())
    names.put(list(range(1000)), [f"fddf9a10-0570f982-{number:08d}" for number in range(1000)])
    assert names.nbytes == 8000
