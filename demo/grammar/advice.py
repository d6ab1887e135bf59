"""Advice and recommendations."""

from __future__ import annotations

import random

from demo.grammar.core import Talk, expand, pick
from demo.grammar.frames import first_turn, follow_turn, next_reply, reply, thanks
from demo.grammar.tables import Wish, doubts, rows

WISHES = rows("wishes", Wish)
_DOUBTS = doubts("advice")
_ASKS = (
    "Eman {goal} [aholku bat|aholku batzuk|gomendio batzuk][.|, mesedez.]",
    "Emango dizkidazu {goal} aholku batzuk?",
    "Zer egin dezaket {goal}?",
    "Zer gomendatzen didazu {goal}?",
    "Lagundu {goal}.",
    "Zer komeni da {goal}?",
    "Esan {goal} [zerbait erabilgarria|bi aholku|hiru aholku].",
    "{Says}. [Zer egin dezaket?|Lagunduko didazu?|Zer gomendatzen didazu?|Aholkurik?|Zer egingo zenuke zuk?]",
    "Nola has naiteke {goal}?",
    "Badakizu zer egin behar den {goal}?",
    "Idatzi {goal} [aholkuen zerrenda labur bat|hiru aholku].",
    "Zein da {goal} modurik onena?",
)


def _count(rng: random.Random, question: str) -> int:
    """As many as were asked for."""
    asked = {"hiru aholku": 3, "bi aholku": 2, "aholku bat.": 1, "aholku bat,": 1}
    return next((count for words, count in asked.items() if words in question), None) or rng.choice((2, 3, 3))


def advice(rng: random.Random) -> Talk:
    wish = pick(rng, WISHES)
    tips = rng.sample(wish.tips, len(wish.tips))
    question = (
        expand(rng, pick(rng, _ASKS))
        .replace("{goal}", wish.goal)
        .replace("{Says}", wish.says[:1].upper() + wish.says[1:])
    )
    count = _count(rng, question)
    given = [tips.pop() for _ in range(count)]
    lead = pick(
        rng,
        (
            "",
            "",
            f"{wish.goal}, hau egingo nuke",
            "nire aholkuak hauek dira" if count > 1 else "nire aholkua hau da",
            "saiatu honekin",
        ),
    )
    links = (
        ("lehenengo, ", "lehenik, ", "", "hasteko, "),
        ("gero, ", "bestalde, ", "bigarrena, ", "gainera, "),
        ("azkenik, ", "eta, ahal baduzu, ", "hirugarrena, ", "era berean, "),
    )
    body = [pick(rng, links[i]) + tip for i, tip in enumerate(given)] if count > 1 else given
    turns = [first_turn(rng, question, context=0.06), reply(rng, f"{lead}: {body[0]}" if lead else body[0], *body[1:])]
    for follow_up in rng.sample(("more", "one", "hard"), rng.choice((0, 1, 1, 2))):
        if follow_up == "more" and tips:
            turns += [
                follow_turn(
                    rng,
                    "[Eta besterik?|Eman beste bat.|Aholku gehiago?|Beste zerbait?|Eta hori nahikoa ez bada?"
                    "|Saiatu naiz, baina ezin dut. Beste ideiarik?]",
                ),
                next_reply(
                    rng,
                    pick(rng, ("", "beste aukera bat: ", "hau ere egin dezakezu: ", "ba, adibidez: ")) + tips.pop(),
                    pick(
                        rng, ("", "askori lagundu die horrek", "poliki-poliki nabarituko duzu", "ez galdu itxaropenik")
                    ),
                ),
            ]
        elif follow_up == "one":
            turns += [
                follow_turn(
                    rng,
                    "[Zein da garrantzitsuena?|Bakarra aukeratuta, zein?|Nondik hasi?|Zein da errazena?|Eta"
                    " lehenengo zer egingo zenuke?]",
                ),
                next_reply(
                    rng,
                    pick(
                        rng,
                        (
                            "nik honekin hasiko nintzateke: ",
                            "garrantzitsuena, nire ustez: ",
                            "lehenengo hau: ",
                            "erraza eta ona: ",
                        ),
                    )
                    + pick(rng, given),
                    pick(rng, ("", "gainerakoa gero etorriko da", "hori egin eta gero ikusiko duzu", "hortik abiatu")),
                ),
            ]
        elif follow_up == "hard":
            ask, answer = pick(rng, _DOUBTS)
            rest = pick(rng, ("animo", "izan pazientzia", "norbaitekin eginda, hobeto", "", "ez etsi"))
            turns += [follow_turn(rng, ask), next_reply(rng, answer, rest, opening=0)]
    if rng.random() < 0.12:
        turns += thanks(rng)
    return Talk(wish.topic, tuple(turns))
