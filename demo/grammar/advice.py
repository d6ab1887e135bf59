"""Advice and recommendations, and comparisons of two things."""

from __future__ import annotations

import random

from demo.grammar.core import Talk, expand, pick
from demo.grammar.frames import first_turn, follow_turn, next_reply, reply, thanks
from demo.grammar.tables import Pair, Wish, doubts, rows

WISHES = rows("wishes", Wish)
PAIRS = rows("pairs", Pair)
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


def advice(rng: random.Random) -> Talk:
    wish = pick(rng, WISHES)
    tips = rng.sample(wish.tips, len(wish.tips))
    question = (
        expand(rng, pick(rng, _ASKS))
        .replace("{goal}", wish.goal)
        .replace("{Says}", wish.says[:1].upper() + wish.says[1:])
    )
    count = (
        3
        if "hiru" in question
        else 2
        if "bi aholku" in question
        else 1
        if "aholku bat." in question or "aholku bat," in question
        else rng.choice((2, 3, 3))
    )
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


def comparisons(rng: random.Random) -> Talk:
    pair = pick(rng, PAIRS)
    swap = rng.random() < 0.5
    one, two = (pair.two, pair.one) if swap else (pair.one, pair.two)
    of_one, of_two = (pair.of_two, pair.of_one) if swap else (pair.of_one, pair.of_two)
    gen_one, gen_two = f"{one}ren", f"{two}ren"
    ask = pick(
        rng,
        (
            f"Zer alde dago {gen_one} eta {gen_two} artean?",
            f"Zertan dira desberdinak {one} eta {two}?",
            f"Azaldu zer alde dagoen {gen_one} eta {gen_two} artean.",
            f"Zein da hobea, {one} ala {two}?",
            f"Badakizu zertan bereizten diren {one} eta {two}?",
            f"Esan zer alde dagoen {gen_one} eta {gen_two} artean.",
            f"Nola bereizten dira {one} eta {two}?",
            f"Konparatu {one} eta {two}.",
            f"Lagundu bereizten {one} eta {two}.",
            f"Eman {gen_one} eta {gen_two} arteko desberdintasun bat.",
            f"Zer nahiago duzu, {one} ala {two}?",
        ),
    )
    first, second = pick(rng, of_one), pick(rng, of_two)
    last = pick(rng, pair.both) if rng.random() < 0.6 else ""
    shape = rng.random()
    lead = (
        pick(rng, ("bakoitzak bere alde ona du", "zure beharren araberakoa da", "ez dago bata bestea baino hobea beti"))
        if ("hobea" in ask or "nahiago" in ask) and rng.random() < 0.8
        else ""
    )
    if shape < 0.4:
        body = [f"{one}: {first}", f"{two}: {second}"]
    elif shape < 0.8:
        body = [f"alde batetik, {one}: {first}", f"bestetik, {two}: {second}"]
    else:
        body = [f"{one} begiratuta, {first}", f"{two} begiratuta, aldiz, {second}"]
    turns = [first_turn(rng, ask), reply(rng, lead, *body, last)]
    for follow_up in rng.sample(("same", "which", "more"), rng.choice((0, 1, 1, 2))):
        if follow_up == "same":
            turns += [
                follow_turn(
                    rng, "[Eta zer dute berdina?|Zertan dira antzekoak?|Eta antzik badute?|Zer dute komunean?]"
                ),
                next_reply(
                    rng,
                    pick(rng, pair.both),
                    pick(rng, ("", "horretan antzekoak dira", "gainerakoan desberdinak dira", "hori da antza nagusia")),
                ),
            ]
        elif follow_up == "which":
            turns += [
                follow_turn(
                    rng,
                    "[Zuk zein aukeratuko zenuke?|Eta zein gomendatzen didazu?|Zein nahiago duzu?|Bat aukeratu"
                    " behar banu?]",
                ),
                next_reply(
                    rng,
                    pick(
                        rng,
                        (
                            f"nik {one} aukeratuko nuke: {first}",
                            f"zalantzarik gabe, {two}: {second}",
                            f"gaur {one}, bihar {two}",
                            f"zailtxoa da, baina {two} esango nuke: {second}",
                        ),
                    ),
                    pick(rng, ("", "baina zure gustua da garrantzitsuena", "zuk erabaki", "biak probatzea da onena")),
                ),
            ]
        else:
            turns += [
                follow_turn(rng, f"[Esan zerbait gehiago {one}ri buruz.|Eta {one}? Zer gehiago?|Zer gehiago dakizu?]"),
                next_reply(
                    rng,
                    pick(rng, (f"{one}: {of_one[-1]}", f"{one} aipatzekoa da: {of_one[-1]}")),
                    pick(rng, ("", f"{two}, berriz: {of_two[-1]}")),
                ),
            ]
    if rng.random() < 0.08:
        turns += thanks(rng)
    return Talk(pair.topic, tuple(turns))
