from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.duplicates.signature import Signature, sign_first
from schemas.errors import LedgerError


@given(
    st.builds(
        Signature,
        st.none() | st.binary(min_size=16, max_size=16),
        st.binary(max_size=5).map(lambda data: data * 4),
        st.none() | st.binary(min_size=16, max_size=16),
        st.just(b"") | st.binary(min_size=16, max_size=16),
    )
)
def test_signatures_survive_as_bytes(signature: Signature) -> None:
    if signature.first is None:
        signature = signature._replace(shingles=b"", frames=b"")
    assert Signature.from_bytes(signature.to_bytes()) == signature


@pytest.mark.parametrize(
    "data",
    [
        b"\x01",
        b"\x02\x01" + b"x" * 16,
        b"\x01\x01short",
        b"\x01\x01" + b"x" * 17,
        b"\x01\x00",
        b"\x01\x04" + b"x" * 64,
        b"\x01\x08" + b"x" * 64,
    ],
)
def test_bytes_that_are_no_signature_are_refused(data: bytes) -> None:
    with pytest.raises(LedgerError, match="signature"):
        Signature.from_bytes(data)


def test_shingles_are_sets() -> None:
    six, five = (sign_first(" ".join(["bai"] * count), 2, 5).shingles for count in (6, 5))
    assert six == five != b""
