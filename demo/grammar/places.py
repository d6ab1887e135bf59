"""Geography: the Basque Country and the world."""

from __future__ import annotations

import random

from demo.grammar.core import Place, Talk, pick
from demo.grammar.frames import first_turn, follow_turn, next_reply, reply, thanks
from demo.grammar.tables import places

_PLACES = places()
_CONTINENT = {name: Place(name) for name in ("Europa", "Asia", "Afrika", "Amerika")}


def _in(name: str) -> str:
    """In a territory; each of their names ends in a vowel."""
    return f"{name}n"


def capitals(rng: random.Random) -> Talk:
    names = rng.sample(list(_PLACES.capitals), 3)
    country = Place(names[0])
    capital, continent = _PLACES.capitals[names[0]]
    ask = (
        pick(
            rng,
            (
                "Zein da {g} hiriburua?",
                "Zein da {g} hiriburua?",
                "Badakizu zein den {g} hiriburua?",
                "Esan zein den {g} hiriburua[.|, mesedez.]",
                "Zein hiri da {g} hiriburua?",
                "[Ahaztu zait|Ez dut gogoan|Ez dakit] zein den {g} hiriburua.",
                "Lagundu: zein da {g} hiriburua?",
                "Non dago {n}, eta zein da hiriburua?",
                "Eman {g} hiriburuaren izena.",
            ),
        )
        .replace("{g}", country.gen)
        .replace("{n}", country.name)
    )
    where = pick(
        rng,
        (
            f"{country.name} {_CONTINENT[continent].ine} dago",
            f"{continent} da haren kontinentea",
            f"{_CONTINENT[continent].rel} herrialde bat da",
        ),
    )
    answer = pick(
        rng, (f"{country.gen} hiriburua {capital} da", f"{capital} da {country.gen} hiriburua", f"{capital} da")
    )
    turns = [first_turn(rng, ask), reply(rng, answer, where if rng.random() < 0.7 else "")]
    for name in names[1 : 1 + rng.choice((0, 1, 1, 2))]:
        other, (seat, part) = Place(name), _PLACES.capitals[name]
        turns += [
            pick(
                rng,
                (
                    f"Eta {other.gen} hiriburua?",
                    f"Eta {other.gen}a?",
                    f"Eta zein da {other.gen} hiriburua?",
                    f"Ederki. Eta {other.gen} hiriburua?",
                ),
            ),
            next_reply(
                rng,
                pick(
                    rng,
                    (f"{other.gen} hiriburua {seat} da", f"{seat} da {other.gen} hiriburua", f"{other.gen}a {seat} da"),
                ),
                pick(rng, ("", f"{_CONTINENT[part].ine} dago", f"{_CONTINENT[part].rel} herrialdea da")),
            ),
        ]
    if rng.random() < 0.1:
        turns += thanks(rng)
    return Talk("geografia", tuple(turns))


def towns(rng: random.Random) -> Talk:
    names = rng.sample(list(_PLACES.towns), 2)
    town = Place(names[0])
    territory = _PLACES.towns[names[0]].territory
    facts = list(_PLACES.towns[names[0]].facts)
    facts = rng.sample(facts, len(facts))
    ask = (
        pick(
            rng,
            (
                "Non dago {n}?",
                "Zer ikus daiteke {i}?",
                "Zer ikusi behar dut {i}?",
                "Esan zerbait {d} buruz.",
                "{a} joango naiz [asteburuan|larunbatean|bihar|udan|oporretan]. Zer egin dezaket?",
                "Zergatik da ezaguna {n}?",
                "Badakizu {d} buruz ezer?",
                "Eman {d} buruzko datu batzuk.",
                "Azaldu nolakoa den {n}.",
                "Zein lurraldetan dago {n}?",
                "Lagundu {a} bidaia bat prestatzen.",
                "Idatzi testu labur bat {d} buruz.",
            ),
        )
        .replace("{n}", town.name)
        .replace("{i}", town.ine)
        .replace("{d}", town.dat)
        .replace("{a}", town.all)
    )
    where = pick(
        rng,
        (f"{town.name} {_in(territory)} dago", f"{_in(territory)} dago {town.name}", f"{territory} da haren lurraldea"),
    )
    turns = [first_turn(rng, ask), reply(rng, where, facts.pop(), facts.pop() if rng.random() < 0.5 else "")]
    for follow_up in rng.sample(("more", "other", "go"), rng.choice((0, 1, 1, 2))):
        if follow_up == "more":
            turns += [
                follow_turn(
                    rng, "[Zer gehiago?|Esan beste gauza bat.|Eta besterik?|Kontatu gehiago.|Zerbait gehiago badago?]"
                ),
                next_reply(rng, facts.pop()),
            ]
        elif follow_up == "other":
            other, known = Place(names[1]), _PLACES.towns[names[1]]
            turns += [
                pick(rng, (f"Eta {other.name}?", f"Eta {other.name} non dago?", f"Eta {other.ine} zer dago?")),
                next_reply(
                    rng, f"{other.name} {_in(known.territory)} dago", *rng.sample(known.facts, rng.randint(1, 2))
                ),
            ]
            break
        else:
            turns += [
                follow_turn(
                    rng,
                    "[Nola joan naiteke?|Trenez joan naiteke?|Autobusez joan daiteke?|Zein da garai onena"
                    " joateko?|Merezi du bisitak?]",
                ),
                next_reply(
                    rng,
                    "[autobusez joan zaitezke|garraio publikoa begiratzea komeni da|autobusa da aukera erosoena"
                    "|udaberria eta udazkena dira onenak|bai, egun bat nahikoa da|bai, merezi du]",
                    "[ordutegiak Interneten daude|goiz irteten bazara, hobeto|asteburuan jende gehiago egoten da"
                    "|eraman oinetako erosoak|]",
                ),
            ]
    if rng.random() < 0.1:
        turns += thanks(rng)
    return Talk(pick(rng, ("geografia", "bidaiak")), tuple(turns))


def mountains(rng: random.Random) -> Talk:
    one, two = rng.sample(list(_PLACES.mountains), 2)
    (height, where), (other, _) = _PLACES.mountains[one], _PLACES.mountains[two]
    place = f"{one} {where} artean dago" if " eta " in where else f"{one} {_in(where)} dago"
    ask = pick(
        rng,
        (
            f"Zenbat metro ditu {one} mendiak?",
            f"Non dago {one} mendia?",
            f"Zein da garaiagoa, {one} ala {two}?",
            f"Esan zerbait {one} mendiari buruz.",
            f"{one} mendira igo nahi dut. Zenbat metro ditu?",
            f"Badakizu zenbat metro dituen {one} mendiak?",
            f"Azaldu non dagoen {one} mendia.",
        ),
    )
    higher = one if height > other else two
    answer = (
        [f"{higher} da garaiagoa", f"{one} mendiak {height} metro ditu eta {two} mendiak {other}"]
        if "ala" in ask
        else [f"{one} mendiak {height} metro ditu", place if rng.random() < 0.6 else ""]
    )
    turns = [
        first_turn(rng, ask),
        reply(
            rng, *answer, "[igotzeko, eraman ura eta botak|goiz irtetea komeni da|begiratu eguraldia joan aurretik|]"
        ),
    ]
    if "ala" not in ask and rng.random() < 0.6:
        turns += [
            pick(rng, (f"Eta {two} mendiak?", f"Eta zenbat metro ditu {two} mendiak?")),
            next_reply(rng, f"{two} mendiak {other} metro ditu", pick(rng, ("", f"beraz, {higher} da garaiagoa"))),
        ]
    return Talk(pick(rng, ("geografia", "natura")), tuple(turns))
