"""Small sums and questions about numbers, with right answers."""

from __future__ import annotations

import random

from demo.grammar.core import Talk, expand, number, pick
from demo.grammar.frames import first_turn, next_reply, reply, thanks

_THINGS = (
    "sagar",
    "laranja",
    "liburu",
    "arkatz",
    "gozoki",
    "txanpon",
    "lore",
    "pilota",
    "katilu",
    "galleta",
    "arrautza",
    "intxaur",
    "aulki",
    "kromo",
    "giltza",
    "poltsa",
    "botila",
    "mahats-ale",
    "gaztaina",
    "kamiseta",
    "baloi",
    "koaderno",
)
_PEOPLE = (
    "Ane",
    "Mikel",
    "Jon",
    "Maialen",
    "Iker",
    "Nerea",
    "Amaia",
    "Unai",
    "Leire",
    "Ander",
    "Miren",
    "Garazi",
    "Eneko",
    "Olatz",
    "Julen",
    "Uxue",
    "Itziar",
    "Oier",
    "Haizea",
    "Beñat",
    "Izaro",
    "Xabier",
    "Maddi",
    "Peru",
)


def _named(name: str, vowel: str, consonant: str) -> str:
    """A person's name in a case that differs after a vowel and after a consonant; a final r doubles."""
    if name[-1] in "aeiou":
        return name + vowel
    return name + ("r" if name.endswith("r") else "") + consonant


def _result(rng: random.Random, left: str, value: int) -> str:
    frame = pick(rng, ("{l} {v} da", "emaitza {v} da", "{v} da emaitza", "{l} {v} da, {w}", "{v} da, alegia, {w}"))
    return frame.format(l=left, v=value, w=number(value))


def _check(rng: random.Random, a: int, b: int, sign: str, value: int) -> str:
    if rng.random() < 0.45:
        return ""
    if sign == "+":
        return pick(
            rng, (f"egiaztatzeko, kendu {b} {value} zenbakiari, eta {a} lortuko duzu", f"berdin da {b} + {a} egitea")
        )
    if sign == "-":
        return pick(
            rng, (f"egiaztatzeko, batu {value} eta {b}, eta {a} lortuko duzu", f"izan ere, {value} + {b} = {a}")
        )
    if sign == "×":
        return pick(rng, (f"berdin da {b} × {a} egitea", f"hau da, {a} zenbakia {b} aldiz batuta lortzen dena"))
    return pick(rng, (f"izan ere, {value} × {b} = {a}", f"egiaztatzeko, biderkatu {value} eta {b}"))


def _operation(rng: random.Random) -> tuple[int, int, str, int]:
    sign = pick(rng, ("+", "+", "-", "×", ":"))
    if sign == "+":
        a, b = rng.randint(1, 60), rng.randint(1, 40)
        return a, b, sign, a + b
    if sign == "-":
        b, value = rng.randint(1, 30), rng.randint(0, 40)
        return b + value, b, sign, value
    a, b = rng.randint(2, 10), rng.randint(2, 10)
    return (a, b, sign, a * b) if sign == "×" else (a * b, b, sign, a)


def _question(rng: random.Random, a: int, b: int, sign: str) -> str:
    words = {
        "+": ("{a} gehi {b}", "{a} eta {b} batuta"),
        "-": ("{a} ken {b}",),
        "×": ("{a} bider {b}",),
        ":": ("{a} zati {b}",),
    }
    style = rng.random()
    left, right = (number(a), number(b)) if style < 0.35 else (str(a), str(b))
    phrase = f"{a} {sign} {b}" if style > 0.7 else pick(rng, words[sign]).format(a=left, b=right)
    return expand(
        rng,
        pick(
            rng,
            (
                f"Zenbat da {phrase}?",
                f"Zenbat da {phrase}?",
                f"Esan zenbat den {phrase}.",
                f"Badakizu zenbat den {phrase}?",
                f"Kalkulatu hau: {phrase}.",
                f"Lagundu kontu honekin: {phrase}.",
                f"Zein da {phrase} eragiketaren emaitza?",
                f"Azaldu nola kalkulatzen den {phrase}.",
            ),
        ),
    )


def _operation_turns(rng: random.Random, a: int, b: int, sign: str, value: int, *, later: bool = False) -> str:
    return (next_reply if later else reply)(rng, _result(rng, f"{a} {sign} {b}", value), _check(rng, a, b, sign, value))


def operations(rng: random.Random) -> Talk:
    """Bare operations, one after the other."""
    a, b, sign, value = _operation(rng)
    turns = [first_turn(rng, _question(rng, a, b, sign), context=0.12), _operation_turns(rng, a, b, sign, value)]
    for _ in range(rng.choice((0, 1, 1, 2))):
        if rng.random() < 0.4 and value <= 60:
            more = rng.randint(1, 20)
            turns += [
                pick(rng, (f"Eta {more} gehiago?", f"Eta hori gehi {more}?", f"Eta {more} gehituta?")),
                _operation_turns(rng, value, more, "+", value + more, later=True),
            ]
            value += more
        else:
            a, b, sign, value = _operation(rng)
            question = pick(
                rng,
                ("Eta {a} {s} {b}?", "Eta zenbat da {a} {s} {b}?", "Orain, {a} {s} {b}.", "Ederki. Eta {a} {s} {b}?"),
            )
            turns += [question.format(a=a, s=sign, b=b), _operation_turns(rng, a, b, sign, value, later=True)]
    if rng.random() < 0.08:
        turns += thanks(rng)
    return Talk("matematika", tuple(turns))


def stories(rng: random.Random) -> Talk:
    """A small story with a sum in it."""
    one, two = rng.sample(_PEOPLE, 2)
    thing = pick(rng, _THINGS)
    a, b = rng.randint(3, 30), rng.randint(2, 20)
    dative = _named(two, "ri", "i")
    if rng.random() < 0.5:
        value, sign, verb = a + b, "+", "batu"
        story = pick(
            rng,
            (
                f"{_named(one, 'k', 'ek')} {a} {thing} ditu eta {_named(two, 'k', 'ek')} beste {b} eman dizkio.",
                f"{_named(one, 'k', 'ek')} {a} {thing} zituen eta gaur beste {b} erosi ditu.",
                f"Otarrean {a} {thing} daude eta {_named(one, 'k', 'ek')} beste {b} sartu ditu.",
            ),
        )
    else:
        a += b
        value, sign, verb = a - b, "-", "kendu"
        story = pick(
            rng,
            (
                f"{_named(one, 'k', 'ek')} {a} {thing} zituen eta {dative} {b} eman dizkio.",
                f"Mahai gainean {a} {thing} zeuden eta {_named(one, 'k', 'ek')} {b} hartu ditu.",
                f"{_named(one, 'k', 'ek')} {a} {thing} zituen, baina {b} galdu ditu.",
            ),
        )
    ask = pick(rng, ("Zenbat {t} daude orain?", "Zenbat {t} dira orain, guztira?", "Zenbat {t} geratzen dira?"))
    ask = ask.format(t=thing) if sign == "-" else f"Zenbat {thing} dira guztira?"
    explain = pick(
        rng,
        (
            f"{a} {sign} {b} egin behar da",
            f"{verb} behar dira bi zenbakiak: {a} {sign} {b}",
            f"eragiketa hau da: {a} {sign} {b} = {value}",
        ),
    ).replace("kendu behar dira bi zenbakiak", "kenketa bat egin behar da")
    final = pick(
        rng,
        (
            f"orain {value} {thing} dira",
            f"emaitza {value} {thing} da",
            f"beraz, {value} {thing} dira",
            f"{number(value)} {thing} dira",
        ),
    )
    turns = [first_turn(rng, f"{story} {ask}", context=0.1), reply(rng, explain, final)]
    if rng.random() < 0.5:
        more = rng.randint(1, 12)
        turns += [
            pick(
                rng,
                (
                    f"Eta beste {more} etorriko balira?",
                    f"Eta {more} gehiago balitu?",
                    f"Eta beste {more} gehituko bagenitu?",
                ),
            ),
            next_reply(
                rng,
                pick(
                    rng,
                    (
                        f"orduan {value + more} {thing} izango lirateke",
                        f"{value} + {more} eginda, {value + more} {thing} lirateke",
                        f"orduan guztira {value + more} {thing} lirateke, hau da, {number(value + more)}",
                    ),
                ),
            ),
        ]
    return Talk("matematika", tuple(turns))


def money(rng: random.Random) -> Talk:
    """Prices and change."""
    thing = pick(
        rng,
        (
            "kafe bat",
            "ogi bat",
            "sarrera bat",
            "liburu bat",
            "koaderno bat",
            "zuku bat",
            "txartel bat",
            "egunkari bat",
            "kilo bat sagar",
            "kamiseta bat",
        ),
    )
    price, count = rng.randint(1, 12), rng.randint(2, 9)
    total = price * count
    turns = [
        first_turn(
            rng,
            pick(
                rng,
                (
                    f"{thing} {price} euro balio badu, zenbat balio dute {count} halakok?".capitalize(),
                    f"Zenbat ordaindu behar dut {count} erosita, {thing} {price} euroan badago?",
                    f"{thing} {price} euro da. Zenbat diru behar dut {count} erosteko?".capitalize(),
                ),
            ),
            context=0.1,
        ),
        reply(
            rng,
            pick(rng, (f"{price} × {count} = {total}", f"biderkatu {price} eta {count}")),
            pick(
                rng,
                (
                    f"{total} euro behar dituzu",
                    f"guztira {total} euro dira",
                    f"beraz, {total} euro, alegia, {number(total)} euro",
                ),
            ),
        ),
    ]
    if rng.random() < 0.7:
        paid = total + rng.randint(1, 30)
        turns += [
            pick(
                rng,
                (
                    f"Eta {paid} euro ematen baditut, zenbat itzuliko didate?",
                    f"{paid} euro ditut. Zenbat geratuko zait?",
                    f"Eta {paid} euro ordainduta, zenbat da itzulia?",
                ),
            ),
            next_reply(
                rng,
                f"{paid} - {total} = {paid - total}",
                pick(rng, (f"{paid - total} euro itzuliko dizkizute", f"{number(paid - total)} euro geratuko zaizkizu"))
                if paid - total > 1
                else pick(rng, ("euro bat itzuliko dizute", "euro bat geratuko zaizu")),
            ),
        ]
    if rng.random() < 0.1:
        turns += thanks(rng)
    return Talk(pick(rng, ("diru-kontuak", "diru-kontuak", "matematika")), tuple(turns))
