from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.duplicates import families as module
from filters.duplicates.families import FEWEST, Families, Family, unpack
from filters.duplicates.frames import frame_hashes, frames
from filters.text import fold, words

POEM = "Idatzi {} buruzko olerkia"


def hashes(text: str) -> tuple[int, ...]:
    return unpack(frame_hashes(words(fold(text))))


def add(families: Families, text: str) -> int | None:
    return families.add(hashes(text), text)


def test_rows_of_one_template_are_one_family() -> None:
    families = Families()
    for about in ("itsasoari", "mendi garai bati", "nire amonaren etxeari", "gauari"):
        add(families, POEM.format(about))
    add(families, "Zer da fotosintesia azken finean?")
    assert families.largest(5) == (Family("idatzi … buruzko olerkia", 4),)
    assert families.would_join(hashes(POEM.format("izarrei")), POEM.format("izarrei")) == Family(
        "idatzi … buruzko olerkia", 4
    )


def test_short_texts_are_in_no_family() -> None:
    families = Families()
    assert add(families, "Zer da hau?") is None
    assert families.would_join((), "Zer da hau?") is None
    assert families.largest(5) == ()


def test_a_row_taken_back_counts_no_more() -> None:
    families = Families()
    texts = [POEM.format(about) for about in ("itsasoari", "mendiari", "gauari", "izarrei")]
    joined = [add(families, text) for text in texts]
    families.remove(hashes(texts[3]), joined[3])
    families.remove(hashes(texts[2]), joined[2])
    families.remove((), None)
    assert families.largest(5) == ()
    assert add(families, texts[2]) == joined[2]
    assert families.largest(5) == (Family("idatzi … buruzko olerkia", 3),)


def test_a_frame_known_by_its_hash_only_can_be_named() -> None:
    families = Families()
    for about in ("itsasoari", "mendiari", "gauari"):
        families.add(hashes(POEM.format(about)))
    assert "olerkia" not in families.largest(1)[0].frame
    families.name(["idatzi … buruzko olerkia"])
    assert families.largest(1) == (Family("idatzi … buruzko olerkia", 3),)


@given(st.lists(st.integers(1, 30), max_size=60), st.randoms(use_true_random=False))
def test_what_is_told_are_the_rows_of_a_frame(abouts: list[int], random: Random) -> None:
    families = Families()
    counts: Counter[str] = Counter()
    for about in abouts:
        text = random.choice([POEM, "Azaldu zer den {}", "Non dago {} herria"]).format(f"w{about}")
        add(families, text)
        counts.update(frames(words(fold(text))))
    told = families.largest(1000)
    assert all(counts[family.frame] == family.rows >= FEWEST for family in told)
    assert [family.rows for family in told] == sorted((family.rows for family in told), reverse=True)
    if counts and max(counts.values()) >= FEWEST:
        assert told[0].rows == max(counts.values())


def test_memory_is_bounded_and_large_families_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COUNTED", 50)
    families = Families()
    for number in range(2000):
        add(families, f"w{number}a w{number}b w{number}c w{number}d w{number}e")
        if number % 20 == 0:
            add(families, POEM.format(f"w{number}"))
    assert len(families._rows) < 100
    assert len(families._members) < 100
    assert len(families._texts) < 100
    assert families.largest(1) == (Family("idatzi … buruzko olerkia", 100),)
