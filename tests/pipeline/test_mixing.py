"""Which mode makes the next draft: by weight, from the seed and the index, as long as there is material."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from generators.magpie import Magpie
from generators.material import Material
from generators.mode import Mode
from languages.loader import load_pack
from pipeline.feeds import Feed
from pipeline.mixing import ModeMixer, label
from schemas.conversation import Source
from schemas.errors import DatasetError
from schemas.modes import MagpieMode


def mode(language: str) -> Mode:
    return Magpie(MagpieMode(language=language), load_pack(language), 0, "x")


BASQUE, GALICIAN = mode("eu"), mode("gl")


class Numbers:
    """Materials from 0 up to as many as are let through; after `most` they have ended."""

    def __init__(self, most: int, let: int) -> None:
        self.most, self.let, self.next = most, let, 0
        self.failure: Exception | None = None

    @property
    def ended(self) -> bool:
        return self.next >= self.most

    def open(self, start: int) -> None:
        self.next = start

    def read(self, limit: int) -> list[Material]:
        if self.failure:
            raise self.failure
        end = min(self.next + limit, self.let, self.most)
        found = [Material(n, Source(dataset="d", document=str(n)), (str(n),)) for n in range(self.next, end)]
        self.next = max(self.next, end)
        return found

    def close(self) -> None:
        self.next = -1


async def settled(feed: Feed) -> None:
    for _ in range(200):
        if feed.ready or feed.exhausted:
            return
        await asyncio.sleep(0.01)


def test_weights_are_shares() -> None:
    drawn = [ModeMixer((BASQUE, GALICIAN), (1, 3), seed=5).start(index) for index in range(2000)]
    names = [one.mode.language for one in drawn if one]
    assert 0.2 < Counter(names)["eu"] / 2000 < 0.3
    again = ModeMixer((BASQUE, GALICIAN), (1, 3), seed=5)
    assert names == [one.mode.language for one in map(again.start, range(2000)) if one]


async def test_a_mode_whose_materials_are_used_up_is_left_out() -> None:
    async with Feed(Numbers(most=3, let=3), 0, {1}, lambda: None) as feed:
        mixer = ModeMixer((BASQUE,), (1,), 5, {label(BASQUE): feed})
        await settled(feed)
        taken = [mixer.start(index) for index in range(2)]
        assert [one.material.number for one in taken if one and one.material] == [0, 2]  # 1 was used before
        await asyncio.sleep(0.05)
        assert mixer.exhausted
        assert mixer.start(2) is None


async def test_a_mode_waits_for_what_has_not_been_read() -> None:
    numbers = Numbers(most=9, let=0)
    changes: list[int] = []
    async with Feed(numbers, 0, set(), lambda: changes.append(1)) as feed:
        mixer = ModeMixer((BASQUE,), (1,), 5, {label(BASQUE): feed})
        await asyncio.sleep(0.05)
        assert mixer.start(0) is None
        assert not mixer.exhausted
        numbers.let = 9
        for _ in range(100):
            if feed.ready:
                break
            await asyncio.sleep(0.01)
        assert mixer.start(0) is not None
        assert changes


async def test_a_mode_gives_its_place_to_the_one_that_feeds_it_and_gets_it_back() -> None:
    numbers = Numbers(most=10**9, let=0)
    async with Feed(numbers, 0, set(), lambda: None) as feed:
        mixer = ModeMixer((BASQUE, GALICIAN), (1, 1), 5, {"magpie-gl": feed}, {"magpie-gl": "magpie-eu"})
        first = [mixer.start(index) for index in range(20)]
        assert {one.mode.language for one in first if one} == {"eu"}
        numbers.let = 10**9
        for _ in range(100):
            if feed.ready:
                break
            await asyncio.sleep(0.01)
        second = [mixer.start(index) for index in range(20, 40)]
        assert 8 <= sum(one.mode.language == "gl" for one in second if one) <= 20
        assert second[0] and second[0].material and second[0].material.number == 0


async def test_what_reading_raises_is_raised_by_who_asks() -> None:
    numbers = Numbers(most=3, let=3)
    numbers.failure = DatasetError("hautsita")
    async with Feed(numbers, 0, set(), lambda: None) as feed:
        mixer = ModeMixer((BASQUE,), (1,), 5, {label(BASQUE): feed})
        await asyncio.sleep(0.05)
        with pytest.raises(DatasetError, match="hautsita"):
            mixer.start(0)


async def test_places_are_given_away_only_while_they_can_be_given_back() -> None:
    numbers = Numbers(most=10**9, let=0)
    async with Feed(numbers, 0, set(), lambda: None) as feed:
        mixer = ModeMixer((BASQUE, GALICIAN), (1, 1), 5, {"magpie-gl": feed}, {"magpie-gl": "magpie-eu"})
        begun = 0
        while mixer.start(begun, 200 - begun) is not None:
            begun += 1
        assert 80 <= begun <= 120, "half of 200 drafts are there to feed the other half"
        numbers.let = 10**9
        await settled(feed)
        later = []
        for index in range(begun, 200):
            await settled(feed)
            start = mixer.start(index, 200 - index)
            assert start is not None
            later.append(start.mode.language)
        assert 80 <= Counter(later)["gl"] <= 120
        assert mixer.start(200, 0) is not None


async def test_the_places_of_a_small_build_are_kept_for_what_is_in_the_making() -> None:
    async with Feed(Numbers(most=10**9, let=0), 0, set(), lambda: None) as feed:
        mixer = ModeMixer((BASQUE, GALICIAN), (1, 1), 5, {"magpie-gl": feed}, {"magpie-gl": "magpie-eu"})
        given = 0
        for index in range(1000):
            if mixer.start(index, 20 - given) is None:
                break
            given += 1
        assert 10 <= given < 20, "half of the twenty are for the translations of the others"
        # As drafts come to nothing, others are begun in their places.
        mixer.dropped("magpie-eu")
        mixer.dropped("magpie-eu")
        assert mixer.start(1000 + given, 20 - given) is not None
