"""Short Basque texts from the grammar's tables, for a corpus: `python -m demo.texts OUT.jsonl --count 400`.

They explain and tell, and nobody is spoken with: what a thing is, a town, a month, how something is made, why it is so.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from demo.grammar.core import Noun, Place, enumerate_items, expand, join, maybe, pick, sentence
from demo.grammar.tables import Card, Moment, Pair, Places, Task, Why, deck, places, rows

Text = Callable[[random.Random], list[str]]
_ORDER = ("lehenik, ", "gero, ", "ondoren, ", "azkenik, ")
_LINKS = ("gainera, ", "horrez gain, ", "bestalde, ", "era berean, ", "", "", "")


def texts(count: int, seed: int) -> Iterator[str]:
    """So many texts, all different; each subject comes once before any comes again."""
    rng = random.Random(f"{seed}/texts")
    seen: set[str] = set()
    subjects: list[Text] = []
    while len(seen) < count:
        if not subjects:
            subjects = _subjects()
            rng.shuffle(subjects)
        parts = subjects.pop()(rng)
        text = join(*(sentence(expand(rng, part)) for part in parts if part))
        if text not in seen:
            seen.add(text)
            yield text


def _subjects() -> list[Text]:
    cards = deck("cards_nature", "cards_daily", "cards_culture")
    plural = deck("cards_plural")
    known = places()
    return [
        *(partial(_thing, card) for table in (cards, plural) for topic in table.values() for card in topic),
        *(partial(_moment, moment) for moment in rows("calendar", Moment)),
        *(partial(_town, known, name) for name in known.towns),
        *(partial(_mountain, known, name) for name in known.mountains),
        *(partial(_country, known, name) for name in known.capitals),
        *(partial(_task, task) for task in rows("tasks", Task)),
        *(partial(_why, why) for why in rows("whys", Why)),
        *(partial(_pair, pair) for pair in rows("pairs", Pair)),
    ]


def _some(rng: random.Random, facts: tuple[str, ...], least: int) -> list[str]:
    """Some of the facts in any order, one of the later ones tied to what stands before it."""
    taken = rng.sample(facts, rng.randint(min(least, len(facts)), min(5, len(facts))))
    place = rng.randrange(1, len(taken))
    taken[place] = pick(rng, _LINKS) + taken[place]
    return taken


def _thing(card: Card, rng: random.Random) -> list[str]:
    noun = card.noun
    matters = "garrantzitsuak dira" if card.plural else "garrantzitsua da"
    return [
        f"{noun.abs} {card.kind} {noun.da}",
        *_some(rng, card.facts, 2),
        maybe(rng, 0.7, f"[adibidez, |esate baterako, |]{pick(rng, card.examples)}"),
        maybe(rng, 0.7, f"{matters}, [batez ere|besteak beste], {pick(rng, card.why)}"),
    ]


def _moment(moment: Moment, rng: random.Random) -> list[str]:
    return [f"{moment.name} {moment.kind} da", *_some(rng, moment.facts, 3)]


def _town(known: Places, name: str, rng: random.Random) -> list[str]:
    town, place = known.towns[name], Place(name)
    near = [each for each in known.towns if each != name and known.towns[each].territory == town.territory]
    other = pick(rng, near) if near else ""
    return [
        f"{name} {town.territory}n dago",
        *_some(rng, town.facts, 3),
        maybe(rng, 0.5, f"lurralde berekoa da {other}: {pick(rng, known.towns[other].facts)}") if other else "",
        maybe(rng, 0.4, f"{place.all} [trenez edo autobusez joan daiteke|joateko, egun bat nahikoa da]"),
    ]


def _mountain(known: Places, name: str, rng: random.Random) -> list[str]:
    height, where = known.mountains[name]
    other = pick(rng, [each for each in known.mountains if each != name])
    other_height, _ = known.mountains[other]
    compared = "garaiagoa" if height > other_height else "baxuagoa"
    return [
        f"{name} mendia {where} artean dago" if " eta " in where else f"{name} {Place(where).rel} mendi bat da",
        f"gailurra {height} metrora dago",
        f"{other} baino {compared} da, [hark {other_height} metro baititu|hura {other_height} metrokoa baita]",
        "[goiz irtetea komeni da, arratsaldean lainoa sar daitekeelako|igotzeko, ura eta botak eraman behar dira]",
        maybe(rng, 0.6, "[neguan elurra egoten da goialdean|egun argietan urrutira ikusten da gailurretik]"),
    ]


def _country(known: Places, name: str, rng: random.Random) -> list[str]:
    (seat, continent), country = known.capitals[name], Place(name)
    others = rng.sample([each for each in known.capitals if each != name and known.capitals[each][1] == continent], 2)
    return [
        f"{name} {Place(continent).ine} dago",
        f"[{country.gen} hiriburua {seat} da|hiriburua {seat} du]",
        f"kontinente berekoak dira {enumerate_items(others)}",
        *(f"{Place(each).gen} hiriburua {known.capitals[each][0]} da" for each in others),
    ]


def _task(task: Task, rng: random.Random) -> list[str]:
    needs = rng.sample(task.needs, len(task.needs))
    return [
        f"{task.what} {task.verb[:-1]}ko, [lau urrats egin behar dira|ez da gauza handirik behar|hau egiten da]",
        f"behar dena hau da: {enumerate_items(needs)}" if needs else "",
        *(order + step for order, step in zip(_ORDER, task.steps, strict=True)),
        maybe(rng, 0.7, f"[kontuan hartu hau|aholku bat]: {pick(rng, task.tips)}"),
    ]


def _why(why: Why, rng: random.Random) -> list[str]:
    first, second = rng.sample(why.reasons, 2)
    return [
        f"[askok galdetzen dute|jende askok jakin nahi izaten du|aspalditik aztertu dute] zergatik {why.told}",
        f"[arrazoia hau da|azalpena erraza da|adituek hau diote]: {first}",
        f"[gainera|horrez gain], {second}",
        *rng.sample(why.details, 2),
    ]


def _pair(pair: Pair, rng: random.Random) -> list[str]:
    one, two = Noun(pair.one), Noun(pair.two)
    return [
        f"{one.abs} eta {two.abs} [ez dira gauza bera|maiz alderatzen dira]",
        f"{one.dat} dagokionez, {pair.of_one[0]}",
        *pair.of_one[1:],
        f"{two.dat} dagokionez, berriz, {pair.of_two[0]}",
        *pair.of_two[1:],
        pick(rng, pair.both),
    ]


def write(path: Path, count: int, seed: int) -> None:
    """One JSON object with `id` and `text` a line."""
    lines = (
        json.dumps({"id": f"text-{number}", "text": text}, ensure_ascii=False)
        for number, text in enumerate(texts(count, seed))
    )
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=33)
    options = parser.parse_args(arguments)
    write(options.out, options.count, options.seed)


if __name__ == "__main__":
    main()
