"""What surrounds a question or an answer, whatever it is about."""

from __future__ import annotations

import random

from demo.grammar.core import expand, join, sentence

_GREETING = (
    "[Kaixo!|Aupa!|Egun on!|Arratsalde on!|Gabon!|Epa!|Kaixo, zer moduz?|Kaixo, laguntzaile!"
    "|Barkatu, galdera bat daukat.|Zalantza bat daukat.|Galdera bat daukat.|Galdera txiki bat daukat."
    "|Zalantza txiki bat daukat.|Ea laguntzen didazun.|Jakin-mina daukat.|Egun on, laguntza behar dut.|Mesedez,"
    " entzun.]"
)
_ASKER = (
    "[nire alabak|nire semeak|bilobak|ikasle batek|lagun batek|nire arrebak|nire anaiak|nire ahizpak|lankide batek"
    "|auzokide batek|nire lehengusuak|nire amak|nire aitak|amonak|aitonak|irakasleak|nire ilobak|osabak|izebak]"
)
_DAY = "[bihar|etzi|gaur|astelehenean|asteartean|asteazkenean|ostegunean|ostiralean|larunbatean|igandean]"
_CONTEXTS = (
    f"{_ASKER} galdetu dit [eta ez dakit zer erantzun|eta ez nekien zer esan|gaur|gaur goizean|bazkalorduan|eta"
    " ez naiz gogoratzen]",
    f"{_ASKER} [jakin nahi du|ez du ondo ulertzen|ez dit sinesten|galdetzen dit beti]",
    f"{_DAY} [azterketa daukat|hitzaldi bat eman behar dut|klasean azaldu behar dut|lan bat aurkeztu behar dut]",
    "[eskolako lan baterako|klaserako|irratsaio baterako|aldizkari baterako|ikastaro baterako|jolas baterako"
    "|blog baterako|hitzaldi labur baterako|koaderno baterako] [behar dut|nahi dut|da]",
    "[ez daukat denbora askorik|euskara ikasten ari naiz|ez naiz aditua|ez dakit ezer horretaz|gai hau berria da"
    " niretzat"
    "|aspaldi ikasi nuen, baina ahaztu zait|liburu batean irakurri dut|irratian entzun dut|telebistan ikusi dut]",
    "[erantzun labur|azaldu erraz|hitz errazekin|labur, mesedez|esaldi gutxitan, mesedez|lasai, ez daukat presarik"
    "|xehetasunekin, ahal bada|luzatu gabe, mesedez]",
)
_OPENINGS = (
    "[Bai, noski.|Noski!|Jakina!|Galdera ona.|Galdera ederra.|Galdera polita.|Ikus dezagun.|Gustura lagunduko dizut."
    "|Hona hemen nire erantzuna.|Gai interesgarria da.|Gai polita aukeratu duzu.|Saiatuko naiz argi azaltzen."
    "|Ondo galdetu duzu.|Interesgarria da hori.|Eskerrik asko galdetzeagatik.|Tira, esango dizut.|Ea laguntzen"
    " dizudan."
    "|Ederki.|Ados.|Bai.|Lasai, ez da zaila.|Gustura erantzungo dizut.]"
)
_NEXT_OPENINGS = "[Bai, noski.|Noski!|Jakina.|Ados.|Bai.|Ondo da.|Ederki.|Tira.|Horra.|Begira.|Bai horixe.|Konforme.]"
_IF = (
    "[Zalantzarik baduzu|Gehiago jakin nahi baduzu|Beste zerbait behar baduzu|Argi ez badago|Xehetasun gehiago"
    " nahi badituzu"
    "|Besterik nahi baduzu|Zerbait ulertzen ez baduzu|Adibide gehiago nahi badituzu|Laguntza gehiago behar baduzu]"
)
_THEN = "[esan lasai|galdetu lasai|hemen nauzu|galdetu berriro|gustura erantzungo dizut|esadazu|idatzi nahi duzunean]"
_CLOSINGS = (
    f"[{_IF}, {_THEN}.|{_IF}, {_THEN}.|Espero dut argi geratu izana.|Espero dut lagungarria izatea.|Hori da guztia."
    "|Argi dago?|Horixe da funtsezkoena.|Lagungarria izan zaizu?|Horrela errazago gogoratuko duzu.]"
)


def first_turn(rng: random.Random, question: str, *, greet: float = 0.22, context: float = 0.3) -> str:
    """A first user turn: the question, at times with a greeting before it and a reason after it."""
    before = expand(rng, _GREETING) if rng.random() < greet else ""
    after = sentence(expand(rng, _CONTEXTS[rng.randrange(len(_CONTEXTS))])) if rng.random() < context else ""
    return join(before, sentence(expand(rng, question)), after)


def reply(rng: random.Random, *parts: str, opening: float = 0.4, closing: float = 0.3) -> str:
    """A reply: the parts as sentences, at times with an opening and a closing."""
    start = expand(rng, _OPENINGS) if rng.random() < opening else ""
    end = expand(rng, _CLOSINGS) if rng.random() < closing else ""
    return join(start, *_sentences(rng, parts), end)


def _sentences(rng: random.Random, parts: tuple[str, ...]) -> list[str]:
    return [sentence(text) for part in parts if (text := expand(rng, part))]


def follow_turn(rng: random.Random, question: str) -> str:
    """A later user turn."""
    return sentence(expand(rng, question))


def next_reply(rng: random.Random, *parts: str, opening: float = 0.2) -> str:
    """A later reply: shorter of ceremony than the first."""
    start = expand(rng, _NEXT_OPENINGS) if rng.random() < opening else ""
    end = expand(rng, _CLOSINGS) if rng.random() < 0.12 else ""
    return join(start, *_sentences(rng, parts), end)


_THANKS = (
    "[Eskerrik asko|Mila esker|Eskerrik asko benetan|Esker anitz][!|, asko lagundu didazu.|. Orain ulertu dut.|,"
    " oso argi dago."
    "|. Ez nekien hori.|! Gero arte.|, laguntzaile.|. Hori behar nuen.|, oso erabilgarria da.|. Bihar arte!]"
)
_WELCOME = (
    "[Ez horregatik!|Ez dago zergatik.|Gustura!|Nahi duzun arte!|Plazer bat izan da.|Pozten naiz!|Ez horregatik,"
    " benetan.]"
    " [Beste zerbait behar baduzu, hemen nauzu.|Galdetu nahi duzunean.|Gozatu eguna!|Izan ongi!|Ondo izan!"
    "|Hurrengora arte!"
    "|Poztu nau laguntzeak.|Nahi duzunean itzuli.|Egun ona izan!|Ikasten jarraitu!|Animo eta gero arte!|Beti"
    " zaude ongi etorria.]"
    "[| Gogoratu edozein gauza galde dezakezula.| Zalantza gehiago sortzen bazaizkizu, esan.| Hitz egingo dugu"
    " berriro."
    "| Eskerrik asko zuri galdetzeagatik.| Gustatu zait zurekin hitz egitea.]"
)


def thanks(rng: random.Random) -> tuple[str, str]:
    """A last exchange that ends any conversation."""
    return expand(rng, _THANKS), expand(rng, _WELCOME)
