"""How to do things: cooking, cleaning, the garden, the computer, money, school."""

from __future__ import annotations

import random

from demo.grammar.core import Talk, expand, pick
from demo.grammar.frames import first_turn, follow_turn, next_reply, reply, thanks
from demo.grammar.tables import Task, doubts, rows

TASKS = rows("tasks", Task)
_DOUBTS = doubts("howto")
_ASK = (
    "Nola {v} {da} {w}?",
    "Nola {v} {da} {w}?",
    "Azaldu nola {v} {den} {w}[.|, mesedez.]",
    "Azaldu[, mesedez,| pausoz pauso] nola {v} {den} {w}.",
    "Esan nola {v} {den} {w}.",
    "Badakizu nola {v} {den} {w}?",
    "Lagundu {w} {v}.",
    "Lagunduko didazu {w} {v}?",
    "Zer behar da {w} {n}?",
    "Zer egin behar dut {w} {n}?",
    "Eman {w} {n} [aholkuak|pausoak|argibideak].",
    "Idatzi {w} {n} [pausoak|argibide laburrak].",
    "{w} {f} nahi {dut}, baina ez dakit nola[.|. Lagunduko didazu?]",
    "Inoiz ez {dut} {w} {f}. Nondik [hasten naiz|hasi behar dut]?",
    "[Bihar|Gaur|Asteburuan|Larunbatean|Arratsaldean] {w} {f} behar {dut}. [Nola egiten da?|Zer egin behar dut?"
    "|Aholkurik?|Nondik hasiko naiz?]",
    "Zein da {w} {n} modurik [onena|errazena|azkarrena]?",
    "Zenbat pauso behar dira {w} {n}?",
)
_FIRST = ("lehenik, ", "lehenengo, ", "hasteko, ", "aurrena, ", "lehen pausoa: ")
_THEN = ("gero, ", "ondoren, ", "jarraian, ", "hurrena, ", "geroago, ", "")
_LAST = ("azkenik, ", "amaitzeko, ", "bukatzeko, ", "azken pausoa: ")


def _ask(rng: random.Random, task: Task) -> str:
    text = expand(rng, pick(rng, _ASK))
    alone = task.what not in {"igerian", "gitarra jotzen"}
    if not alone and "{dut}" in text:
        text = "Nola {v} {da} {w}?"
    for key, value in (
        ("v", task.verb),
        ("w", task.what),
        ("f", task.done),
        ("n", f"{task.verb[:-1]}ko"),
        ("da", "dira" if task.plural else "da"),
        ("den", "diren" if task.plural else "den"),
        ("dut", "ditut" if task.plural else "dut"),
    ):
        text = text.replace("{" + key + "}", value)
    return text


def howto(rng: random.Random) -> Talk:
    task = pick(rng, TASKS)
    steps = [
        start + step
        for start, step in zip((pick(rng, _FIRST), *rng.sample(_THEN, 2), pick(rng, _LAST)), task.steps, strict=True)
    ]
    tips = rng.sample(task.tips, len(task.tips))
    need = ""
    needs = rng.sample(task.needs, len(task.needs))
    if needs and rng.random() < 0.4:
        listed = ", ".join(needs[:-1]) + (" eta " if len(needs) > 1 else "") + needs[-1]
        need = pick(rng, ("hau behar duzu: {}", "[prestatu|hartu|bildu] hau: {}", "behar dena hau da: {}")).format(
            listed
        )
    tip = tips.pop() if rng.random() < 0.5 else ""
    turns = [first_turn(rng, _ask(rng, task), context=0.04), reply(rng, need, *steps, tip, opening=0.35, closing=0.2)]
    for follow_up in rng.sample(("tip", "short", "start", "hard"), rng.choice((0, 1, 1, 2))):
        if follow_up == "tip" and tips:
            turns += [
                follow_turn(
                    rng,
                    "[Aholkurik?|Eta aholku bat?|Eman aholku bat.|Trukurik badago?|Zer hartu behar dut kontuan?"
                    "|Zerbait gehiago jakin behar dut?]",
                ),
                next_reply(
                    rng,
                    pick(rng, ("", "aholku bat: ", "kontuan hartu hau: ", "nik hau esango nizuke: ")) + tips.pop(),
                    pick(
                        rng,
                        (
                            "",
                            "horrela errazago izango da",
                            "esperientziak erakusten du hori",
                            "asko laguntzen du",
                            "gainerakoa erraza da",
                        ),
                    ),
                ),
            ]
        elif follow_up == "short":
            short = rng.sample(range(4), 2)
            turns += [
                follow_turn(
                    rng,
                    "[Azaldu hori laburrago.|Laburrago, mesedez.|Laburtu hori.|Eta hitz gutxitan?|Zein dira"
                    " pauso nagusiak?]",
                ),
                next_reply(
                    rng,
                    pick(rng, ("bi hitzetan: ", "labur: ", "funtsezkoena hau da: ", "hitz gutxitan: "))
                    + expand(rng, task.steps[min(short)]),
                    "gero, " + task.steps[max(short)],
                ),
            ]
        elif follow_up == "start":
            turns += [
                follow_turn(
                    rng,
                    "[Nondik hasi behar dut?|Zein da lehen pausoa?|Eta lehenengo zer?|Errepikatuko didazu hasiera?]",
                ),
                next_reply(
                    rng,
                    pick(rng, ("hasi honekin: ", "lehen pausoa hau da: ", "lehenengo, ")) + task.steps[0],
                    pick(rng, ("", "gainerakoa gero", "hortik aurrera erraza da", "gero, " + task.steps[1])),
                ),
            ]
        elif follow_up == "hard":
            ask, answer = pick(rng, _DOUBTS)
            rest = pick(rng, ("", "", "hurrengoan errazagoa izango da", "ez larritu", "animo"))
            turns += [follow_turn(rng, ask), next_reply(rng, answer, tips.pop() if tips else "", rest, opening=0)]
    if rng.random() < 0.1:
        turns += thanks(rng)
    return Talk(task.topic, tuple(turns))
