"""Comparisons of two things."""

from __future__ import annotations

import random

from demo.grammar.core import Talk, pick
from demo.grammar.frames import first_turn, follow_turn, next_reply, reply, thanks
from demo.grammar.tables import Pair, rows

PAIRS = rows("pairs", Pair)


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
