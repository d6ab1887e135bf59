"""Why is it so: questions with their reasons."""

from __future__ import annotations

import random

from demo.grammar.core import Talk, pick
from demo.grammar.frames import first_turn, follow_turn, next_reply, reply, thanks
from demo.grammar.tables import Why, rows

WHYS = rows("whys", Why)
_ASKS = ("Zergatik {ask}?",) * 6 + (
    "Azaldu zergatik {told}.",
    "Badakizu zergatik {told}?",
    "Esan zergatik {told}, mesedez.",
    "Ez dakit zergatik {told}. Azalduko didazu?",
    "Jakin nahi dut zergatik {told}.",
    "Eman arrazoi bat: zergatik {ask}?",
    "Lagundu ulertzen zergatik {told}.",
    "Azalduko didazu zergatik {told}?",
)


def whys(rng: random.Random) -> Talk:
    why = pick(rng, WHYS)
    question = pick(rng, _ASKS).replace("{ask}", why.ask).replace("{told}", why.told)
    reasons, details = rng.sample(why.reasons, 2), rng.sample(why.details, len(why.details))
    start = pick(
        rng, ("", "", "arrazoi nagusia hau da: ", "erantzuna hau da: ", "hitz gutxitan: ", "azalpena erraza da: ")
    )
    both = reasons[:1] if rng.random() < 0.5 else reasons
    link = pick(rng, ("gainera, ", "era berean, ", "horrez gain, ", ""))
    answer = [start + both[0]] + [link + each for each in both[1:]]
    turns = [first_turn(rng, question), reply(rng, *answer, details.pop() if rng.random() < 0.6 else "")]
    for follow_up in rng.sample(("more", "short", "sure", "other"), rng.choice((0, 1, 1, 2))):
        if follow_up == "more" and details:
            turns += [
                follow_turn(
                    rng,
                    "[Zerbait gehiago?|Kontatu gehiago.|Eta zer gehiago?|Interesgarria da. Zer gehiago dakizu?"
                    "|Eman xehetasun bat.|Jarraitu, mesedez.]",
                ),
                next_reply(rng, details.pop(), details.pop(0) if len(details) > 1 and rng.random() < 0.5 else ""),
            ]
        elif follow_up == "short":
            turns += [
                follow_turn(
                    rng,
                    "[Azaldu hori laburrago.|Laburrago, mesedez.|Eta haurrentzat?|Nola esango zenioke haur bati?"
                    "|Esaldi bakarrean?]",
                ),
                next_reply(
                    rng,
                    pick(rng, ("hitz errazekin: ", "labur: ", "honela esango nuke: ", "esaldi bakarrean: "))
                    + pick(rng, reasons),
                ),
            ]
        elif follow_up == "sure":
            turns += [
                follow_turn(rng, "[Ziur zaude?|Benetan?|Beti?|Egia da hori?|Nola dakizu?|Nork esaten du?]"),
                next_reply(
                    rng,
                    pick(
                        rng,
                        (
                            "bai, hori da azalpen ezagunena",
                            "bai, nahiko ziur nago",
                            "dakidanez, bai",
                            "bai, jende askok aztertu du",
                            "horixe uste dut, bai",
                        ),
                    ),
                    reasons[-1],
                    pick(rng, ("", "nahi baduzu, begiratu liburu batean", "adituei ere galde diezaiekezu")),
                ),
            ]
        else:
            second = pick(rng, [each for each in WHYS if each is not why and each.topic == why.topic] or [why])
            if second is not why:
                turns += [
                    f"Eta zergatik {second.ask}?",
                    next_reply(rng, *rng.sample(second.reasons, rng.randint(1, 2)), pick(rng, ("", *second.details))),
                ]
            break
    if rng.random() < 0.08:
        turns += thanks(rng)
    return Talk(why.topic, tuple(turns))
