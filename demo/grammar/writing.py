"""Short texts to write: invitations, thank-you notes, birthday wishes and apologies, and how they are changed."""

from __future__ import annotations

import random
from dataclasses import dataclass

from demo.grammar.core import Talk, expand, join, pick, sentence
from demo.grammar.frames import first_turn, follow_turn, next_reply, thanks
from demo.grammar.tables import social

_TEXTS = social()
_DAY = "[astelehenean|asteartean|asteazkenean|ostegunean|ostiralean|larunbatean|igandean]"
_PLACE = (
    "[plazan|gure etxean|tabernan|hondartzan|parkean|liburutegi aurrean|geltokian|eskolan|jatetxean|herriko"
    " frontoian|mendi magalean|lantokian|baserrian|elkartean|kafetegian]"
)
_HOUR = (
    "[hamarretan|hamaiketan|hamabietan|ordu batean|bietan|bostetan|seietan|zazpietan|zortzietan|arratsaldeko"
    " lauretan|bost eta erdietan|sei eta erdietan]"
)
_DATES = (
    f"{_DAY} {_HOUR} izango da {_PLACE}",
    f"{_DAY} elkartuko gara {_PLACE}, {_HOUR}",
    f"{_PLACE} izango da, {_DAY} {_HOUR}",
    f"{_DAY} da, {_HOUR}, {_PLACE}",
)
_GIFTS = (
    "[liburuagatik|loreagatik|opariagatik|laguntzagatik|afariagatik|bisitagatik|gutunagatik|jertseagatik"
    "|tartagatik|aholkuagatik]"
)
_SIGN = "[Muxu bat|Besarkada bat|Laster arte|Ondo izan|Agur bero bat|Zure zain|Musuak|Maitasunez]"
_ENDINGS = (
    "[asko estimatzen zaitut|beti zaude nire bihotzean|zurekin egotea plazer bat da|ondo pasako dugu elkarrekin"
    "|gogotsu nago zu ikusteko|besarkada handi bat familia osoari]"
)
_SHORTER = "[Laburtu mezua, mesedez.|Laburrago, mesedez.|Egin laburragoa.|Eta laburragoa?]"
_FORMAL = "[Eta modu formalagoan?|Egin serioagoa.|Formalago, mesedez.]"
_NICER = "[Gehitu amaieran zerbait polita.|Bukaera beroagoa nahi dut.|Eta amaiera polit bat?|Gehitu esaldi bat.]"


@dataclass(frozen=True)
class Letter:
    """What is asked for, and the three sentences between the greeting and the name."""

    topic: str
    ask: str
    body: tuple[str, str, str]


def _date_line(rng: random.Random) -> str:
    return expand(rng, pick(rng, _DATES))


def _invitation(topic: str, dative: str, to_event: str, event: str, date: str, *, several: bool) -> Letter:
    ask = (
        "[Idatzi|Idatzi|Lagundu idazten|Prestatu|Eman|Lagunduko didazu idazten] [gonbidapen labur bat"
        f"|gonbidapen bat|mezu bat] {dative} {to_event} [gonbidatzeko|etor dadin|deitzeko]"
    )
    if several:
        return Letter(topic, ask, (
            f"[{to_event} gonbidatu nahi zaituztet|gogoan zaituztet {event} dela-eta|{to_event} etorriko zarete?]",
            date,
            "[etortzea gustatuko litzaidake|zuek gabe ez da berdina izango|ekarri gogoa eta umorea"
            "|esan etorriko zareten]",
        ))  # fmt: skip
    return Letter(topic, ask, (
        f"[{to_event} gonbidatu nahi zaitut|gogoan zaitut {event} dela-eta|{to_event} etorriko zara?"
        f"|laster dugu {event}]",
        date,
        "[etortzea gustatuko litzaidake|zu gabe ez da berdina izango|ekarri gogoa eta umorea|esan etorriko zaren"
        "|ez kezkatu ezer ekartzeaz|gustura ikusiko zaitut]",
    ))  # fmt: skip


def _thanks_note(rng: random.Random, dative: str) -> Letter:
    gift = expand(rng, _GIFTS)
    ask = f"[Idatzi|Lagundu idazten|Prestatu|Eman|Lagunduko didazu idazten] esker-mezu [bat|labur bat] {dative}, {gift}"
    return Letter("familia eta lagunak", ask, (
        f"eskerrik asko {gift}",
        "[asko gustatu zait|bihotzez eskertzen dut|ez dut ahaztuko|egun ederra izan zen|poz handia eman dit]",
        "[laster ikusiko dugu elkar|ea laster elkartzen garen|nirekin ere konta dezakezu|hurrengoan nire txanda da]",
    ))  # fmt: skip


def _wishes(dative: str) -> Letter:
    ask = (
        f"[Idatzi|Lagundu idazten|Asmatu|Eman|Lagunduko didazu idazten] zorion-mezu [bat|labur bat|polit bat] {dative}"
    )
    return Letter("jaiak eta ohiturak", ask, (
        "[zorionak zure egunean|zorionak bihotzez|urte askotarako]",
        "[egun ederra izan dezazula|gozatu eguna familiarekin|bete daitezela zure ametsak|ospatu behar bezala]",
        "[laster besarkatuko zaitut|gogoan zaitut|tarta zati bat gorde niretzat|zu zara onena]",
    ))  # fmt: skip


def _apology(rng: random.Random, dative: str) -> Letter:
    reason, said = pick(rng, _TEXTS.sorry)
    ask = (
        "[Idatzi|Lagundu idazten|Prestatu|Lagunduko didazu idazten] [barkamen-mezu|mezu] [bat|labur bat]"
        f" {dative}, {reason}"
    )
    topic = pick(rng, ("lana", "familia eta lagunak"))
    return Letter(topic, ask, (
        f"barkatu, {said}",
        "[ez zen nire asmoa|benetan sentitzen dut|arazo bat izan dut etxean|egun nahasia izan dut|lotsatuta nago]",
        "[hurrengoan ez da gertatuko|kafe bat zor dizut|ea laster hitz egiten dugun|esan nola konpon dezakedan]",
    ))  # fmt: skip


def writing(rng: random.Random) -> Talk:
    name, sender = rng.sample(_TEXTS.names, 2)
    dative, whom = pick(rng, _TEXTS.whom)
    several = whom.endswith("ok")
    called = pick(rng, (name, name, whom)) if whom in {"lagun", "irakasle"} else whom
    topic, to_event, event = pick(rng, _TEXTS.events)
    date = _date_line(rng)
    kind = pick(rng, ("invitation", "invitation", "thanks", "birthday", "apology"))
    hello = expand(rng, "[Kaixo|Aupa|Egun on|Arratsalde on]")
    if kind == "invitation":
        letter = _invitation(topic, dative, to_event, event, date, several=several)
    elif kind == "thanks":
        letter = _thanks_note(rng, dative)
    elif kind == "birthday":
        # A birthday is one person's.
        letter, called = (_wishes("lagun bati"), name) if several else (_wishes(dative), called)
    else:
        letter = _apology(rng, dative)
    body = [expand(rng, part) for part in letter.body]
    greeting = f"{hello}, {called}!"

    def signed(*parts: str, sign: str = _SIGN) -> str:
        return join(*parts, f"{expand(rng, sign)}, {sender}.")

    first = signed(greeting, *(sentence(part) for part in body))
    lead = expand(rng, "[Hona hemen:|Hau idatziko nuke:|Honela idatziko nuke:|Proposamen bat:|Begiratu hau:|]")
    turns = [first_turn(rng, letter.ask, context=0.05), join(lead, first)]
    for follow_up in rng.sample(("short", "formal", "date", "nicer"), rng.choice((0, 1, 1, 2))):
        if follow_up == "short":
            asked = follow_turn(rng, _SHORTER)
            turns += [asked, signed(expand(rng, "[Ados:|Laburrago:|Hona:|Honela:]"), greeting, sentence(body[0]))]
        elif follow_up == "formal":
            asked = follow_turn(rng, _FORMAL)
            polite = f"{expand(rng, '[Egun on|Arratsalde on]')}:"
            farewell = "[Agur bat|Adeitasunez|Begirunez]"
            turns += [asked, signed(polite, sentence(body[0]), sentence(body[1]), sign=farewell)]
        elif follow_up == "date" and kind == "invitation":
            new = _date_line(rng)
            done = expand(rng, "[Ados:|Aldatuta:|Eginda:]")
            turns += [f"Aldatu data: {new}.", signed(done, greeting, sentence(body[0]), sentence(new))]
        elif follow_up == "nicer":
            asked = follow_turn(rng, _NICER)
            here = pick(rng, ("amaieran hau jar dezakezu: ", "gehitu hau: ", "nik hau idatziko nuke amaieran: "))
            turns += [asked, next_reply(rng, f"{here}«{sentence(expand(rng, _ENDINGS))}»")]
    if rng.random() < 0.1:
        turns += thanks(rng)
    return Talk(letter.topic, tuple(turns))
