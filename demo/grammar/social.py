"""Greetings and small talk, and short texts to write: messages, invitations, thank-you notes."""

from __future__ import annotations

import random

from demo.grammar.core import Talk, expand, join, pick, sentence
from demo.grammar.frames import first_turn, follow_turn, next_reply, thanks
from demo.grammar.tables import social

NAMES = (
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
    "Oihana",
    "Haizea",
    "Beñat",
    "Izaro",
    "Joseba",
    "Maddi",
    "Peru",
    "Lide",
    "Aritz",
)
_HELLO = "[Kaixo|Kaixo|Aupa|Egun on|Arratsalde on|Gabon|Epa]"
_DAY = "[astelehenean|asteartean|asteazkenean|ostegunean|ostiralean|larunbatean|igandean]"
_PLACE = (
    "[plazan|gure etxean|tabernan|hondartzan|parkean|liburutegi aurrean|geltokian|eskolan|jatetxean|herriko"
    " frontoian|mendi magalean|lantokian|baserrian|elkartean|kafetegian]"
)
_HOUR = (
    "[hamarretan|hamaiketan|hamabietan|ordu batean|bietan|bostetan|seietan|zazpietan|zortzietan|arratsaldeko"
    " lauretan|bost eta erdietan|sei eta erdietan]"
)

_TEXTS = social()
_OFFERS = (
    "[Zertan lagunduko dizut?|Zer behar duzu?|Zertaz hitz egingo dugu?|Esan zer behar duzun.|Galdetu nahi"
    " duzuna.|Zer kontatzen didazu?|Laguntza behar baduzu, hemen nauzu.|Prest nago.|Nondik hasiko gara?]"
)


def small_talk(rng: random.Random) -> Talk:
    topic = "familia eta lagunak"
    turns: list[str] = []
    name = pick(rng, NAMES)
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


_GIFTS = (
    "[liburuagatik|loreagatik|opariagatik|laguntzagatik|afariagatik|bisitagatik|gutunagatik|jertseagatik"
    "|tartagatik|aholkuagatik]"
)


def _date_line(rng: random.Random) -> str:
    return expand(
        rng,
        pick(
            rng,
            (
                f"{_DAY} {_HOUR} izango da {_PLACE}",
                f"{_DAY} elkartuko gara {_PLACE}, {_HOUR}",
                f"{_PLACE} izango da, {_DAY} {_HOUR}",
                f"{_DAY} da, {_HOUR}, {_PLACE}",
            ),
        ),
    )


_SIGN = "[Muxu bat|Besarkada bat|Laster arte|Ondo izan|Agur bero bat|Zure zain|Musuak|Maitasunez]"
_ENDINGS = (
    "[asko estimatzen zaitut|beti zaude nire bihotzean|zurekin egotea plazer bat da|ondo pasako dugu elkarrekin"
    "|gogotsu nago zu ikusteko|besarkada handi bat familia osoari]"
)
_CHANGES = "[Laburtu mezua, mesedez.|Laburrago, mesedez.|Egin laburragoa.|Eta laburragoa?]"


def writing(rng: random.Random) -> Talk:
    name, sender = rng.sample(NAMES, 2)
    dative, whom = pick(rng, _TEXTS.whom)
    called = pick(rng, (name, name, whom)) if whom in {"lagun", "irakasle"} else whom
    topic, to_event, event = pick(rng, _TEXTS.events)
    date = _date_line(rng)
    kind = pick(rng, ("invite", "invite", "thanks", "birthday", "sorry"))
    greeting = expand(rng, "[Kaixo|Aupa|Egun on|Arratsalde on]") + f", {called}"
    if kind == "invite":
        ask = (
            "[Idatzi|Idatzi|Lagundu idazten|Prestatu|Eman|Lagunduko didazu idazten] [gonbidapen labur bat"
            f"|gonbidapen bat|mezu bat] {dative} {to_event} [gonbidatzeko|etor dadin|deitzeko]"
        )
        body = [
            f"[{to_event} gonbidatu nahi zaitut|gogoan zaitut {event} dela-eta|{to_event} etorriko zara?|laster"
            f" dugu {event}]",
            date,
            "[etortzea gustatuko litzaidake|zu gabe ez da berdina izango|ekarri gogoa eta umorea|esan etorriko"
            " zaren|ez kezkatu ezer ekartzeaz|gustura ikusiko zaitut]",
        ]
        if whom.endswith("ok"):
            body = [
                f"[{to_event} gonbidatu nahi zaituztet|gogoan zaituztet {event} dela-eta|{to_event} etorriko zarete?]",
                date,
                "[etortzea gustatuko litzaidake|zuek gabe ez da berdina izango|ekarri gogoa eta umorea|esan"
                " etorriko zareten]",
            ]
    elif kind == "thanks":
        gift = expand(rng, _GIFTS)
        ask = (
            "[Idatzi|Lagundu idazten|Prestatu|Eman|Lagunduko didazu idazten] esker-mezu [bat|labur bat]"
            f" {dative}, {gift}"
        )
        body = [
            f"eskerrik asko {gift}",
            "[asko gustatu zait|bihotzez eskertzen dut|ez dut ahaztuko|egun ederra izan zen|poz handia eman dit]",
            "[laster ikusiko dugu elkar|ea laster elkartzen garen|nirekin ere konta dezakezu|hurrengoan nire"
            " txanda da]",
        ]
        topic = "familia eta lagunak"
    elif kind == "birthday":
        ask = (
            "[Idatzi|Lagundu idazten|Asmatu|Eman|Lagunduko didazu idazten] zorion-mezu [bat|labur bat|polit"
            f" bat] {dative}"
        )
        body = [
            "[zorionak zure egunean|zorionak bihotzez|urte askotarako]",
            "[egun ederra izan dezazula|gozatu eguna familiarekin|bete daitezela zure ametsak|ospatu behar bezala]",
            "[laster besarkatuko zaitut|gogoan zaitut|tarta zati bat gorde niretzat|zu zara onena]",
        ]
        topic = "jaiak eta ohiturak"
        if whom.endswith("ok"):
            called, ask = name, ask.replace(dative, "lagun bati")
            greeting = greeting.split(",")[0] + f", {name}"
    else:
        reason, said = pick(rng, _TEXTS.sorry)
        ask = (
            "[Idatzi|Lagundu idazten|Prestatu|Lagunduko didazu idazten] [barkamen-mezu|mezu] [bat|labur bat]"
            f" {dative}, {reason}"
        )
        body = [
            f"barkatu, {said}",
            "[ez zen nire asmoa|benetan sentitzen dut|arazo bat izan dut etxean|egun nahasia izan dut|lotsatuta nago]",
            "[hurrengoan ez da gertatuko|kafe bat zor dizut|ea laster hitz egiten dugun|esan nola konpon dezakedan]",
        ]
        topic = pick(rng, ("lana", "familia eta lagunak"))
    body = [expand(rng, part) for part in body]
    message = join(f"{greeting}!", *(sentence(part) for part in body), f"{expand(rng, _SIGN)}, {sender}.")
    lead = expand(rng, "[Hona hemen:|Hau idatziko nuke:|Honela idatziko nuke:|Proposamen bat:|Begiratu hau:|]")
    turns = [first_turn(rng, ask, context=0.05), join(lead, message)]
    for follow_up in rng.sample(("short", "formal", "date", "ps"), rng.choice((0, 1, 1, 2))):
        if follow_up == "short":
            turns += [
                follow_turn(rng, _CHANGES),
                join(
                    expand(rng, "[Ados:|Laburrago:|Hona:|Honela:]"),
                    f"{greeting}!",
                    sentence(body[0]),
                    f"{expand(rng, _SIGN)}, {sender}.",
                ),
            ]
        elif follow_up == "formal":
            turns += [
                follow_turn(rng, "[Eta modu formalagoan?|Egin serioagoa.|Formalago, mesedez.]"),
                join(
                    f"{expand(rng, '[Egun on|Arratsalde on]')}:",
                    sentence(body[0]),
                    sentence(body[1]),
                    f"{expand(rng, '[Agur bat|Adeitasunez|Begirunez]')}, {sender}.",
                ),
            ]
        elif follow_up == "date" and kind == "invite":
            new = _date_line(rng)
            turns += [
                f"Aldatu data: {new}.",
                join(
                    expand(rng, "[Ados:|Aldatuta:|Eginda:]"),
                    f"{greeting}!",
                    sentence(body[0]),
                    sentence(new),
                    f"{expand(rng, _SIGN)}, {sender}.",
                ),
            ]
        elif follow_up == "ps":
            turns += [
                follow_turn(
                    rng,
                    "[Gehitu amaieran zerbait polita.|Bukaera beroagoa nahi dut.|Eta amaiera polit bat?|Gehitu"
                    " esaldi bat.]",
                ),
                next_reply(
                    rng,
                    pick(rng, ("amaieran hau jar dezakezu: ", "gehitu hau: ", "nik hau idatziko nuke amaieran: "))
                    + f"«{sentence(expand(rng, _ENDINGS))}»",
                ),
            ]
    if rng.random() < 0.1:
        turns += thanks(rng)
    return Talk(topic, tuple(turns))
