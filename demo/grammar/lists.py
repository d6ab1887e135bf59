"""Lists: give me three of these, and two more, and which of them."""

from __future__ import annotations

import random

from demo.grammar.core import Talk, capital, enumerate_items, expand, number, pick
from demo.grammar.frames import first_turn, follow_turn, next_reply, reply, thanks
from demo.grammar.tables import Pool, rows

POOLS = rows("pools", Pool)
_ASK = (
    "Eman {n} {k}[.|, mesedez.]",
    "Eman [iezazkidazu|iezazkiguzu] {n} {k}.",
    "Esan {n} {k}[.|, mesedez.]",
    "Idatzi {n} {k}[.|, banan-banan.]",
    "[Emango|Esango|Idatziko] dizkidazu {n} {k}?",
    "[Behar ditut|Nahi ditut] {n} {k}.",
    "Lagundu {n} {k} [aurkitzen|aukeratzen|gogoratzen].",
    "Badakizu {n} {k} esaten?",
    "Egin zerrenda bat: {n} {k}.",
    "Zein {n} {k} [aipatuko zenituzke|gogoratzen dituzu|jarriko zenituzke zerrendan]?",
)
_GIVE = (
    "hona hemen {n} {k}: {i}",
    "{n} {k}: {i}",
    "[hauek dira|nik hauek esango nituzke|hauek bururatzen zaizkit|zerrenda hau da]: {i}",
    "[badaude gehiago, baina|asko daude, baina|beste batzuk ere badira, baina] {n} esango ditut: {i}",
    "adibidez, {i}",
)


def lists(rng: random.Random) -> Talk:
    pool = pick(rng, POOLS)
    items = rng.sample(pool.items, len(pool.items))
    count = min(pick(rng, (2, 3, 3, 3, 4, 5, 5)), len(items) - 2)
    words = number(count)
    ask = pick(rng, _ASK)
    given, items = items[:count], items[count:]
    question = expand(rng, ask).replace("{n}", words).replace("{k}", pool.kind)
    answer = pick(rng, _GIVE).replace("{n}", words).replace("{k}", pool.kind).replace("{i}", enumerate_items(given))
    note = pick(rng, pool.notes) if rng.random() < 0.6 else ""
    turns = [first_turn(rng, question), reply(rng, answer, note)]
    for _ in range(rng.choice((0, 1, 1, 2))):
        more = rng.randint(1, 3)
        if len(items) >= more and rng.random() < 0.6:
            new, items = items[:more], items[more:]
            turns += [
                follow_turn(
                    rng,
                    f"[Eta beste {number(more)}?|Eman beste {number(more)}.|Beste {number(more)}, mesedez.|Eta"
                    f" {number(more)} gehiago?|Nahi ditut beste {number(more)}.]".replace(
                        "Nahi ditut beste bat", "Nahi dut beste bat"
                    ),
                ),
                next_reply(
                    rng,
                    pick(
                        rng,
                        (
                            "beste {n}: {i}",
                            "bai: {i}",
                            "hona: {i}",
                            "{i} ere bai",
                            "gehitu hauek: {i}",
                            "beste aukera batzuk: {i}",
                        ),
                    )
                    .replace("gehitu hauek: ", "gehitu hau: " if more == 1 else "gehitu hauek: ")
                    .replace("beste aukera batzuk", "beste aukera bat" if more == 1 else "beste aukera batzuk")
                    .replace("{n}", number(more))
                    .replace("{i}", enumerate_items(new)),
                    pick(rng, ("", *pool.notes)),
                ),
            ]
        else:
            chosen = pick(rng, given)
            turns += [
                follow_turn(
                    rng,
                    "[Zein aukeratuko zenuke?|Eta bat aukeratu behar bazenu?|Horietatik zein da zure gogokoena?"
                    "|Zein gomendatzen didazu?|Bakarra aukeratu behar badut, zein?]",
                ),
                next_reply(
                    rng,
                    pick(
                        rng,
                        (
                            f"{chosen} aukeratuko nuke",
                            f"nik {chosen} esango nuke",
                            f"zaila da, baina {chosen} hartuko nuke",
                            f"nire aukera hau da: {chosen}",
                        ),
                    ),
                    pick(
                        rng,
                        (
                            "zeure gustua da garrantzitsuena",
                            "baina denak dira onak",
                            "baina zuk erabaki",
                            "hala ere, besteak ere ez dira txarrak",
                            "arrazoirik ez daukat, gustukoa dut eta kito",
                        ),
                    ),
                ),
            ]
    if rng.random() < 0.08:
        turns += thanks(rng)
    return Talk(pool.topic, tuple(capital(turn) for turn in turns))
