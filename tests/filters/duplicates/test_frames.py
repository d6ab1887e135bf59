from __future__ import annotations

import pytest

from filters.duplicates.frames import FRAMES, frame_hash, frame_hashes, frames


def test_a_text_has_a_frame_for_each_way_to_take_three_words_from_its_ends() -> None:
    assert frames(["idatzi", "donostiako", "itsasoari", "buruzko", "olerkia"]) == (
        "idatzi donostiako itsasoari …",
        "idatzi donostiako … olerkia",
        "idatzi … buruzko olerkia",
        "… itsasoari buruzko olerkia",
    )


@pytest.mark.parametrize("text", ["", "bai", "zer da hau"])
def test_a_text_with_nothing_between_its_ends_has_none(text: str) -> None:
    assert frames(text.split()) == ()
    assert frame_hashes(text.split()) == b""


def test_hashes_are_those_of_the_frames_in_their_order() -> None:
    words = ["azaldu", "zer", "den", "demokrazia"]
    packed = frame_hashes(words)
    assert len(packed) == 4 * FRAMES
    unpacked = [int.from_bytes(packed[at : at + 4], "little") for at in range(0, len(packed), 4)]
    assert unpacked == [frame_hash(frame) for frame in frames(words)]
