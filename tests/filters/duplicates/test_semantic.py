from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from filters.duplicates.memory import Memory
from filters.duplicates.semantic import Nearest, SemanticJudge
from schemas.errors import EmbedderError
from schemas.verdict import Drop
from tests.filters.duplicates.test_vectors import units
from tests.support.embedding_server import cosine, embed
from tests.support.filters_drafts import reason

TEXT = "Zergatik aldatzen dute kolorea hostoek udazkenean?"
# The same in another order: nothing that word pairs would find.
TURNED = "Udazkenean zergatik dute hostoek kolorea aldatzen?"
OTHER = "Nola egiten da ogi ona labe arrunt batean?"
words = st.lists(st.sampled_from(["mendi", "etxe", "ur", "haize", "liburu"]), min_size=1, max_size=4).map(" ".join)


def nearest(judge: SemanticJudge, *texts: str) -> list[Nearest]:
    return judge.nearest(np.array([embed(text) for text in texts], np.float32))


def claimed(judge: SemanticJudge, id: str, text: str) -> str | None:
    return reason(judge.claim(id, text, nearest(judge, text)[0]))


def test_the_same_in_other_words_is_named_with_its_cosine() -> None:
    judge = SemanticJudge(0.8, 256, Memory())
    assert claimed(judge, "d1", TEXT) is None
    assert claimed(judge, "d2", OTHER) is None
    in_flight = judge.claim("d3", TURNED, nearest(judge, TURNED)[0])
    assert reason(in_flight) == "duplicates.in_flight"
    assert isinstance(in_flight, Drop)
    judge.confirm("d1")
    judge.confirm("d2")
    lasting = judge.claim("d3", TURNED, nearest(judge, TURNED)[0])
    assert reason(lasting) == "duplicates.semantic"
    assert isinstance(lasting, Drop)
    for drop in (in_flight, lasting):
        assert f"says what d1 says (cosine {cosine(TEXT, TURNED):.3f})" in drop.evidence
    assert "which is still being made" in in_flight.evidence


def test_of_two_that_were_compared_at_the_same_time_only_one_passes() -> None:
    judge = SemanticJudge(0.8, 256, Memory())
    one, other, third = nearest(judge, TEXT, TURNED, TURNED)
    assert reason(judge.claim("d1", TEXT, one)) is None
    assert reason(judge.claim("d2", TURNED, other)) == "duplicates.in_flight"
    judge.confirm("d1")
    assert reason(judge.claim("d3", TURNED, third)) == "duplicates.semantic", "it came to last after the comparison"


def test_a_release_frees_and_what_lasts_is_released_no_more() -> None:
    judge = SemanticJudge(0.8, 256, Memory())
    assert claimed(judge, "d1", TEXT) is None
    judge.release("d1")
    assert judge.confirm("d1") == b""
    assert claimed(judge, "d2", TURNED) is None
    assert len(judge.confirm("d2")) == 512
    judge.release("d2")
    assert claimed(judge, "d3", TURNED) == "duplicates.semantic"


def test_a_draft_never_repeats_itself() -> None:
    judge = SemanticJudge(0.8, 256, Memory())
    for _ in range(3):
        assert claimed(judge, "d1", TEXT) is None
        assert claimed(judge, "d2", TURNED) == "duplicates.in_flight"


@given(st.data())
def test_verdicts_are_those_of_brute_force_however_comparisons_and_claims_interleave(data: st.DataObject) -> None:
    """Drafts are compared, claimed, released and confirmed in any order."""
    judge, threshold = SemanticJudge(0.75, 256, Memory()), 0.75
    compared: dict[str, tuple[str, Nearest]] = {}
    held: dict[str, str] = {}
    lasting: dict[str, str] = {}
    for number in range(data.draw(st.integers(1, 30))):
        step = data.draw(st.sampled_from(["compare", "claim", "release", "confirm"]))
        if step == "compare":
            texts = data.draw(st.lists(words, min_size=1, max_size=3))
            for place, found in enumerate(nearest(judge, *texts)):
                compared[f"d{number}.{place}"] = (texts[place], found)
        elif step == "claim" and compared:
            id = data.draw(st.sampled_from(sorted(compared)))
            text, found = compared.pop(id)
            verdict = judge.claim(id, text, found)
            like = {name: cosine(text, other) for name, other in (held | lasting).items()}
            best = max(like.values(), default=0.0)
            # float16 holds a cosine to a thousandth.
            assume(abs(best - threshold) > 1e-3)
            if best < threshold:
                assert reason(verdict) is None
                held[id] = text
            else:
                assert isinstance(verdict, Drop)
                named = verdict.evidence.split()[2]
                assert like[named] == pytest.approx(best, abs=1e-3)
                assert verdict.reason == ("duplicates.in_flight" if named in held else "duplicates.semantic")
        elif step in ("release", "confirm") and held:
            id = data.draw(st.sampled_from(sorted(held)))
            text = held.pop(id)
            if step == "release":
                judge.release(id)
            else:
                assert judge.confirm(id)
                lasting[id] = text


@given(st.lists(words, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_a_restored_judge_gives_the_same_verdicts(texts: list[str], random: Random) -> None:
    judge, restored = SemanticJudge(0.8, 256, Memory()), SemanticJudge(0.8, 256, Memory())
    ledger = [
        (f"d{number}", judge.confirm(f"d{number}"))
        for number, text in enumerate(texts)
        if claimed(judge, f"d{number}", text) is None
    ]
    restored.restore(iter(ledger))
    assert restored.nbytes == judge.nbytes == len(ledger) * (256 * 4 + 8)
    for text in [*texts, *(f"{one} {other}" for one, other in pairwise(texts))]:
        ours, theirs = (one.claim("probe", text, nearest(one, text)[0]) for one in (judge, restored))
        assert ours == theirs
        judge.release("probe")
        restored.release("probe")


def test_vectors_of_another_model_are_refused() -> None:
    judge = SemanticJudge(0.8, 64, Memory())
    with pytest.raises(EmbedderError, match="embedded with 256 numbers each, and these servers give 64; serve the"):
        judge.restore([("d1", b"\0" * 128), ("d2", b"\0\x3c" * 256)])


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_the_length_of_vectors_does_not_matter(scale: float) -> None:
    judge = SemanticJudge(0.999, 8, Memory())
    (one,) = judge.nearest(units(1, 5))
    assert reason(judge.claim("d1", TEXT, one)) is None
    (same,) = judge.nearest(units(1, 5) * np.float32(scale))
    assert same.stored == one.stored
    assert reason(judge.claim("d2", TEXT, same)) == "duplicates.in_flight"
