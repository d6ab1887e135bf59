"""Greetings and small talk."""

from __future__ import annotations

import random

from demo.grammar.core import Talk, expand, join, pick
from demo.grammar.frames import first_turn, follow_turn, next_reply, thanks
from demo.grammar.tables import social

_HELLO = "[Kaixo|Kaixo|Aupa|Egun on|Arratsalde on|Gabon|Epa]"
_TEXTS = social()
_OFFERS = (
    "[Zertan lagunduko dizut?|Zer behar duzu?|Zertaz hitz egingo dugu?|Esan zer behar duzun.|Galdetu nahi"
    " duzuna.|Zer kontatzen didazu?|Laguntza behar baduzu, hemen nauzu.|Prest nago.|Nondik hasiko gara?]"
)


def small_talk(rng: random.Random) -> Talk:
    topic = "familia eta lagunak"
    turns: list[str] = []
    name = pick(rng, _TEXTS.names)
    style = rng.random()
    if style < 0.4:
        hello = expand(rng, _HELLO)
        extra = pick(
            rng,
            (
                "",
                "[Zer moduz?|Zer moduz zaude?|Zer berri?|Nola zabiltza?|Ondo?|Hor zaude?]",
                f"{name} naiz.",
                f"Ni {name} naiz[.|, eta laguntza behar dut.|, eta euskara ikasten ari naiz.]",
                f"Nire izena {name} da.",
                "[Hitz egin nahi dut pixka bat.|Lagunduko didazu gauza batekin?|Gaur lehen aldiz nator.]",
            ),
        )
        turns = [
            join(f"{hello}!", expand(rng, extra))
            if rng.random() < 0.7 or not extra
            else f"{hello}, {expand(rng, extra)[:1].lower()}{expand(rng, extra)[1:]}"
        ]
        back = expand(
            rng, pick(rng, ("{h}!", "{h} zuri ere!", "{h}, ongi etorri!", "{h}! Pozten naiz zu ikusteaz."))
        ).replace("{h}", hello)
        if name in turns[0]:
            back = f"{hello}, {name}!"
        feeling = (
            "[Ni ondo nago, eskerrik asko.|Oso ondo, eta zu?|Ederki, eskerrik asko.|Ondo, lanean.]"
            if "?" in turns[0]
            else "[Pozten naiz zurekin hitz egiteaz.|Gustura hitz egingo dut zurekin.|Egun ona izan dezazula.|]"
        )
        turns.append(join(back, expand(rng, feeling), expand(rng, _OFFERS)))
    elif style < 0.7:
        mood, answer = pick(rng, _TEXTS.moods)
        turns = [first_turn(rng, mood, greet=0.4, context=0), next_reply(rng, answer, opening=0)]
    else:
        ask, answer = pick(rng, _TEXTS.about_me)
        turns = [first_turn(rng, ask, greet=0.4, context=0), next_reply(rng, answer, _OFFERS, opening=0)]
    for _ in range(rng.choice((0, 1, 1, 2))):
        if rng.random() < 0.5:
            mood, answer = pick(rng, _TEXTS.moods)
            turns += [follow_turn(rng, mood), next_reply(rng, answer, opening=0)]
        else:
            ask, answer = pick(rng, _TEXTS.about_me)
            turns += [follow_turn(rng, ask), next_reply(rng, answer, _OFFERS if rng.random() < 0.5 else "", opening=0)]
    if rng.random() < 0.2:
        turns += thanks(rng)
    return Talk(topic, tuple(turns))
