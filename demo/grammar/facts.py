"""When, where and how many: short questions with a plain answer."""

from __future__ import annotations

import random

from demo.grammar.core import Talk, pick
from demo.grammar.frames import first_turn, follow_turn, next_reply, reply, thanks
from demo.grammar.tables import Fact, rows

FACTS = rows("facts", Fact)

_ASKS = (
    *("{Word} {ask}?",) * 8,
    "Badakizu {word} {told}?",
    "Esan {word} {told}[.|, mesedez.]",
    "Azaldu {word} {told}.",
    "Ez dakit {word} {told}. Lagunduko didazu?",
    "[Jakin nahi dut|Jakin nahiko nuke] {word} {told}.",
    "Lagundu: {word} {ask}?",
)
_MORE = (
    "[Zerbait gehiago?|Kontatu gehiago.|Eta zer gehiago?|Zer gehiago dakizu?|Eman xehetasun bat."
    "|Interesgarria da. Besterik?]"
)
_SURE = "[Ziur zaude?|Benetan?|Egia da hori?|Beti?]"
_YES = ("bai, dakidanez horrela da", "bai, nahiko ziur nago", "bai, hala da", "hori da dakidana", "bai, gehienetan")


def facts(rng: random.Random) -> Talk:
    fact = pick(rng, FACTS)
    ask = pick(rng, _ASKS).replace("{ask}", fact.ask).replace("{told}", fact.told)
    ask = ask.replace("{Word}", fact.word.capitalize()).replace("{word}", fact.word)
    details = rng.sample(fact.details, len(fact.details))
    answers = rng.sample(fact.answers, 2)
    said = [details.pop() for _ in range(rng.choice((0, 1, 1, 2)))]
    turns = [first_turn(rng, ask), reply(rng, answers[0], *said)]
    for follow_up in rng.sample(("more", "sure", "other"), rng.choice((0, 1, 1, 2))):
        if follow_up == "more" and details:
            turns += [follow_turn(rng, _MORE), next_reply(rng, *details)]
            details = []
        elif follow_up == "sure":
            turns += [follow_turn(rng, _SURE), next_reply(rng, pick(rng, _YES), answers[1], opening=0)]
        elif follow_up == "other":
            near = [each for each in FACTS if each is not fact and each.topic == fact.topic]
            if near:
                other = pick(rng, near)
                answer = next_reply(rng, pick(rng, other.answers), *rng.sample(other.details, rng.randint(0, 2)))
                turns += [f"Eta {other.word} {other.ask}?", answer]
            break
    if rng.random() < 0.08:
        turns += thanks(rng)
    return Talk(fact.topic, tuple(turns))
