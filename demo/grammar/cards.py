"""What is X: definitions, facts, examples and reasons, asked for in many ways and followed up."""

from __future__ import annotations

import random

from demo.grammar.core import Talk, pick
from demo.grammar.frames import first_turn, follow_turn, next_reply, reply, thanks
from demo.grammar.tables import Card, Deck

_QUESTIONS = (
    "Zer {da} {x}?",
    "Zer {da} {x}?",
    "Badakizu zer {den} {x}?",
    "Azaldu zer {den} {x}[.|, mesedez.]",
    "Azaldu [hitz gutxitan|labur|hitz errazekin|erraz|bi esalditan] zer {den} {x}.",
    "Azalduko didazu zer {den} {x}?",
    "Esan [iezadazu|iezaguzu] zer {den} {x}.",
    "Esan [zerbait|gauza bat|bi gauza] {about} buruz.",
    "Eman {about} buruzko [azalpen labur bat|informazio pixka bat|datu batzuk].",
    "Idatzi [esaldi pare bat|lerro batzuk|testu labur bat|paragrafo bat] {about} buruz.",
    "Lagunduko didazu ulertzen zer {den} {x}?",
    "Lagundu iezadazu ulertzen zer {den} {x}.",
    "Zer [dakizu|esan dezakezu|kontatuko didazu] {about} buruz?",
    "Hitz egin[| pixka bat] {about} buruz.",
    "Nola azalduko zenioke [haur bati|adineko bati|lagun bati|ikasle bati] zer {den} {x}?",
    "Ez dakit ondo zer {den} {x}[.|. Azalduko didazu?|. Lagunduko didazu?]",
    "[Jakin nahi dut|Jakin nahiko nuke|Ulertu nahi dut|Argitu nahi dut] zer {den} {x}.",
    "[Gaur|Atzo|Herenegun|Goizean|Klasean|Liburu batean|Irratian] {about} buruz [entzun|irakurri] dut. Zer {da}?",
    "Zergatik {da} garrantzitsu[a|a benetan] {x}?",
)
_DEFINITIONS = (
    "{x} {kind} {da}",
    "{x} {kind} {da}",
    "[funtsean|labur esanda|hitz gutxitan|oro har], {x} {kind} {da}",
    "esan daiteke {x} {kind} {dela}",
    "[jakina denez|denok dakigunez], {x} {kind} {da}",
)
_LINKS = ("gainera, ", "horrez gain, ", "bestalde, ", "azkenik, ", "era berean, ")
_MORE = (
    "[Esango didazu zerbait gehiago?|Zer gehiago dakizu?|Eta zerbait gehiago?|Jarraitu, mesedez.|Kontatu gehiago."
    "|Interesgarria da. Zer gehiago?|Eman beste datu bat.|Besterik?|Gehiago jakin nahi dut.]"
)
_EXAMPLE = (
    "[Eman adibide bat.|Adibide bat, mesedez.|Jarri adibide bat.|Emango didazu adibide bat?|Eta adibide bat?|Adibidez?]"
)
_SHORTER = (
    "[Azaldu hori laburrago.|Laburrago, mesedez.|Eta esaldi bakarrean?|Hitz gutxiagotan esango didazu?|Laburtu hori."
    "|Esan berriro, baina laburrago.]"
)
_CHILD = "[Eta haurrentzat?|Nola azalduko zenioke haur bati?|Azaldu hori haur bati bezala.|Eta ume batentzat?]"
_WHY = (
    "[Zergatik da garrantzitsua?|Eta zergatik axola du horrek?|Zergatik?|Zertarako balio du jakiteak?|Eta"
    " zergatik esaten da hori?]"
)


def _fill(text: str, card: Card) -> str:
    noun = card.noun
    for key, value in (("x", noun.abs), ("kind", card.kind), ("about", noun.dat), ("da", noun.da), ("den", noun.den)):
        text = text.replace("{" + key + "}", value)
    return text.replace("{dela}", noun.dela)


class Cards:
    """A family over a deck of cards."""

    def __init__(self, deck: Deck) -> None:
        self._deck = deck
        self._topics = list(deck)

    def __call__(self, rng: random.Random) -> Talk:
        topic = pick(rng, self._topics)
        card = pick(rng, self._deck[topic])
        left = rng.sample(card.facts, len(card.facts))
        question = _fill(pick(rng, _QUESTIONS), card)
        answer = self._reason(rng, card, left) if question.startswith("Zergatik") else self._definition(rng, card, left)
        turns = [first_turn(rng, question), answer]
        follow_ups = [self._more, self._example, self._shorter, self._child, self._why, self._other]
        for follow_up in rng.sample(follow_ups, rng.choice((0, 1, 1, 1, 2, 2, 3))):
            turns += follow_up(rng, card, left)
            if follow_up == self._other:
                break
        if rng.random() < 0.08:
            turns += thanks(rng)
        return Talk(topic, tuple(turns))

    def _facts(self, rng: random.Random, left: list[str], count: int) -> list[str]:
        """Takes facts off those left, the last of several with a linking word at times."""
        taken = [left.pop() for _ in range(min(count, len(left)))]
        if len(taken) > 1 and rng.random() < 0.6:
            taken[-1] = pick(rng, _LINKS) + taken[-1]
        return taken

    def _definition(self, rng: random.Random, card: Card, left: list[str], *, later: bool = False) -> str:
        facts = self._facts(rng, left, rng.choice((1, 2, 2, 3)))
        return (next_reply if later else reply)(rng, _fill(pick(rng, _DEFINITIONS), card), *facts)

    def _reason(self, rng: random.Random, card: Card, left: list[str], *, later: bool = False) -> str:
        frame = pick(
            rng, ("batez ere, {why}", "{why}", "nire ustez, {why}", "arrazoi nagusia: {why}", "{why}, besteak beste")
        )
        facts = self._facts(rng, left, rng.randint(1, 2))
        return (next_reply if later else reply)(rng, frame.replace("{why}", pick(rng, card.why)), *facts)

    def _more(self, rng: random.Random, card: Card, left: list[str]) -> tuple[str, str]:
        if not left:
            return self._example(rng, card, left)
        return follow_turn(rng, _MORE), next_reply(rng, *self._facts(rng, left, rng.randint(1, 2)))

    def _example(self, rng: random.Random, card: Card, left: list[str]) -> tuple[str, str]:
        start = pick(
            rng, ("adibidez, ", "esate baterako, ", "hona hemen bat: ", "pentsatu honetan: ", "har dezagun hau: ")
        )
        more = self._facts(rng, left, rng.randint(0, 1))
        return follow_turn(rng, _EXAMPLE), next_reply(rng, start + pick(rng, card.examples), *more)

    def _shorter(self, rng: random.Random, card: Card, left: list[str]) -> tuple[str, str]:
        start = pick(
            rng, ("laburrago: ", "esaldi bakarrean: ", "labur-labur: ", "hitz gutxitan: ", "laburbilduz, ", "")
        )
        return follow_turn(rng, _SHORTER), next_reply(rng, start + _fill("{x} {kind} {da}", card))

    def _child(self, rng: random.Random, card: Card, left: list[str]) -> tuple[str, str]:
        start = pick(
            rng,
            ("haur bati honela esango nioke: ", "umeentzat, erraz: ", "hitz errazekin: ", "ipuin bat balitz bezala: "),
        )
        facts = rng.sample(card.facts, rng.randint(1, 2))
        return follow_turn(rng, _CHILD), next_reply(rng, start + _fill("{x} {kind} {da}", card), *facts)

    def _why(self, rng: random.Random, card: Card, left: list[str]) -> tuple[str, str]:
        return follow_turn(rng, _WHY), self._reason(rng, card, left, later=True)

    def _other(self, rng: random.Random, card: Card, left: list[str]) -> tuple[str, str]:
        """Asks for another thing of the same topic."""
        deck = next(cards for cards in self._deck.values() if card in cards)
        if len(deck) == 1:
            return self._shorter(rng, card, left)
        other = pick(rng, [each for each in deck if each is not card])
        question = pick(
            rng, ("Eta {x}?", "Eta zer {da} {x}?", "Eta {x}, zer {da}?", "Ados. Eta {x}?", "Ulertu dut. Eta {x}?")
        )
        answer = self._definition(rng, other, rng.sample(other.facts, len(other.facts)), later=True)
        return _fill(question, other), answer
