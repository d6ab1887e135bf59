from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.shape import ShapeJudge
from languages.loader import load_pack
from schemas.filters import ShapeFilter
from tests.support.filters_drafts import judge_last, reason

SHAPE = ShapeJudge.open(ShapeFilter(max_chars=400), load_pack("eu"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Nola egiten da marmitakoa?", None),
        ("", "shape.empty"),
        (" \n\t ", "shape.empty"),
        ("?", "shape.empty"),
        ("Bai", None),
        ("Eman zerrenda bat:", "shape.colon"),
        ("Eman zerrenda bat: \n", "shape.colon"),
        ("Esan: zer da hau?", None),
        ("a" * 401, "shape.too_long"),
        ("Zer da hau?\nLaguntzailea: Mahaia da.", "shape.role_marker"),
        ("Zer da hau?\n\n**Laguntzailea:** Mahaia da.", "shape.role_marker"),
        ("Zer da hau?\n### Laguntzailea: Mahaia", "shape.role_marker"),
        ("Zer da hau?\nASSISTANT: Mahaia da.", "shape.role_marker"),
        ("Zer da hau?\nassistant\n\nMahaia da.", "shape.role_marker"),
        ("Nire laguntzailea: Miren.", None),
        ("Zerrenda:\n- Erabiltzailea: izena", None),
        ("Erantzuna: 4 da", None),
        ("Zer da hau?\n### Erantzuna:\nMahaia", "shape.role_marker"),
        ("## Sarrera\nHau da gaia.", None),
        ("Kaixo<|im_end|>", "shape.role_marker"),
        ("<|start_header_id|>user<|end_header_id|> Kaixo", "shape.role_marker"),
        ("[INST] Kaixo [/INST]", "shape.role_marker"),
        ("Kaixo <end_of_turn>", "shape.role_marker"),
        ("Kaixo, zer moduz?</s>", "shape.role_marker"),
        ("HTMLn <s>marratua</s> idazten da.", None),
        ("Zer da hau?\n```yaml\nuser: root\n```", None),
        ("Zer da a <| b |> c?", None),
    ],
)
def test_user_turns(text: str, kind: str | None) -> None:
    assert reason(judge_last(SHAPE, text)) == kind


def test_a_reply_may_end_with_a_colon() -> None:
    assert reason(judge_last(SHAPE, "Zer da hau?", "Hau da:")) is None


def test_cut_off() -> None:
    verdict = judge_last(SHAPE, "Zer da hau?", "Hau luzea da eta", finish_reason="length")
    assert reason(verdict) == "shape.cut_off"
    assert verdict.turn == 1  # type: ignore[union-attr]


def test_an_echo_is_a_reply_that_says_the_user_turn_again() -> None:
    assert reason(judge_last(SHAPE, "Zer da hau?", "ZER da\nhau?")) == "shape.echo"
    assert reason(judge_last(SHAPE, "Zer da hau?", "Mahaia da.", "Eta hori?", "Zer da hau?")) is None


def test_it_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(SHAPE)) == SHAPE  # noqa: S301


@given(st.text(st.sampled_from("#>*_ \tuser:\n"), max_size=400))
def test_no_text_takes_forever(text: str) -> None:
    judge_last(SHAPE, text)


def test_a_wall_of_marks_takes_no_time() -> None:
    assert reason(judge_last(SHAPE, "#" * 390 + "u")) is None
