"""Replies must rest on their passage: by their words, whatever endings these have, and by their numbers."""

from __future__ import annotations

import pytest

from filters.grounding import GroundingJudge
from languages.loader import load_pack
from schemas.conversation import Draft, Gate
from schemas.filters import GroundingFilter
from schemas.verdict import Keep, Verdict
from tests.support.filters_drafts import draft, reason

JUDGE = GroundingJudge.open(GroundingFilter(), load_pack("eu"))
PASSAGE = (
    "Itsasargia 1863ko ekainaren 14an piztu zuten lehen aldiz, Matxitxako lurmuturrean. Hasieran olioarekin argitzen "
    "zuten, eta bi zaindari bizi ziren bertan familiarekin. Dorreak 20,5 metroko altuera du, eta argia 24 itsas "
    "miliatik ikusten da. 1987an automatizatu zutenetik ez da inor bizi etxean."
)
ASKED = "Noiz piztu zuten itsasargia, eta nor bizi zen han?"


def judged(reply: str, *before: str, passage: str | None = PASSAGE) -> Verdict:
    made: Draft = draft(*(before or (ASKED,)), reply).model_copy(update={"passage": passage})
    return JUDGE.judge(made, Gate.REPLY)


def test_other_endings_of_the_same_words_are_support() -> None:
    reply = (
        "Itsasargiak 1863an eman zuen argia lehenengoz. Hasierako urteetan olioa erabiltzen zuten, eta zaindariek "
        "familiekin batera egiten zuten bizimodua dorrearen ondoan."
    )
    verdict = judged(reply)
    assert isinstance(verdict, Keep)
    assert verdict.scores["grounding"] >= 0.6


def test_what_the_passage_does_not_say_is_not() -> None:
    reply = (
        "Itsasargiari buruzko kondaira ugari kontatu izan dira: gau ekaiztsu batean kapitain portugaldar batek altxor "
        "handi bat ezkutatu omen zuen haitzulo sakon batean, eta mamuak agertzen dira."
    )
    verdict = judged(reply)
    assert reason(verdict) == "grounding.unsupported"
    assert "kapitain" in verdict.evidence  # type: ignore[union-attr]
    assert "itsasargiari" not in verdict.evidence  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("reply", "numbers"),
    [
        ("1863an piztu zuten.", None),
        ("Ekainaren 14an izan zen, 1863. urtean.", None),
        ("20.5 metro ditu dorreak, edo 20 metro baino gehiago.", None),
        ("Bi zaindari bizi ziren; 3 ez.", None),  # a single digit counts things
        ("1. Olioa erabiltzen zuten.\n12. Zaindariak bizi ziren.", None),  # numbers of a list
        ("1873an piztu zuten.", "1873"),
        ("Dorreak 205 metro ditu, eta 1936. urtean itzali zuten.", "1936"),
        ("124 urtez bizi izan ziren han zaindariak.", "124"),
    ],
)
def test_numbers_are_those_of_the_passage(reply: str, numbers: str | None) -> None:
    verdict = judged(reply)
    if numbers is None:
        assert isinstance(verdict, Keep)
    else:
        assert reason(verdict) == "grounding.number"
        assert verdict.evidence.endswith(f": {numbers}")  # type: ignore[union-attr]


def test_what_the_user_says_may_be_said_too() -> None:
    reply = "Ez, 1936. urteaz ez du ezer esaten testuak; ez du bonbardaketarik aipatzen, ezta soldadurik ere."
    assert reason(judged(reply)) == "grounding.number"
    assert isinstance(judged(reply, "Eta 1936. urteko bonbardaketa hura, soldaduekin? Zer dio testuak?"), Keep)


def test_short_replies_say_too_little_to_be_judged_by_their_words() -> None:
    assert judged("Ez dakit hori, barkatu.") == Keep()


def test_drafts_without_a_passage_and_native_replies_are_not_judged() -> None:
    invented = "1999an 45 kapitain etorri ziren, altxorraren bila zebiltzan beste hainbat itsasgizonekin batera."
    assert judged(invented, passage=None) == Keep()
    made = draft(ASKED, invented).model_copy(update={"passage": PASSAGE})
    native = made.last.model_copy(update={"origin": "native"})
    assert JUDGE.judge(made.model_copy(update={"turns": (made.turns[0], native)}), Gate.REPLY) == Keep()


def test_how_much_support_is_asked_for_is_a_setting() -> None:
    reply = "Itsasargiko dorrea ikusgarria da, eta argia urrutitik ikusten dute marinelek gau ilunetan ere."
    strict = GroundingJudge.open(GroundingFilter(min_support=0.9), load_pack("eu"))
    made = draft(ASKED, reply).model_copy(update={"passage": PASSAGE})
    assert isinstance(JUDGE.judge(made, Gate.REPLY), Keep)
    assert reason(strict.judge(made, Gate.REPLY)) == "grounding.unsupported"
