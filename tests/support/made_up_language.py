"""A language that nobody speaks and no detector knows, from a small grammar: for tests of packs made from a corpus."""

from __future__ import annotations

import random

NAME = "Made-up"
CODE = "xx"
QUESTION_WORDS = ("Zhomu", "Qivra", "Wuxo", "Yephu", "Kraxi", "Vlozo")
ARTICLES = ("zu", "xo", "vri")
PREPOSITIONS = ("qha", "wex", "zhi", "umq")
AUXILIARIES = ("yix", "yox", "yuzha")
CONJUNCTIONS = ("vox", "qiz")
_ONSETS = ("zh", "x", "q", "vr", "kw", "mb", "ph", "gz", "y", "w")
_VOWELS = ("a", "e", "i", "o", "u", "oi", "ua")
_ENDINGS = ("q", "x", "mb", "zh", "rv", "")


def sentences(count: int, seed: int = 1) -> list[str]:
    """Different sentences, a fifth of them questions; with another seed others in the same language."""
    words = _lexicon()
    rng = random.Random(seed)
    made: dict[str, None] = {}
    while len(made) < count:
        made[_sentence(rng, *words)] = None
    return list(made)


def gibberish(words: int, seed: int = 1) -> str:
    """A line of letters in no language's order."""
    rng = random.Random(seed)
    return " ".join("".join(rng.choices("bcdfghjklmnpqrstvwxyzaeiou", k=rng.randint(5, 11))) for _ in range(words))


def _lexicon() -> tuple[list[str], list[str]]:
    """Nouns and verbs: always the same."""
    rng = random.Random(0)

    def word(syllables: int) -> str:
        return "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(syllables)) + rng.choice(_ENDINGS)

    return [word(rng.choice((2, 3))) for _ in range(400)], [word(rng.choice((2, 3))) + "em" for _ in range(150)]


def _sentence(rng: random.Random, nouns: list[str], verbs: list[str]) -> str:
    def noun() -> str:
        return f"{rng.choice(ARTICLES)} {rng.choice(nouns)}"

    clause = f"{rng.choice(AUXILIARIES)} {rng.choice(verbs)} {rng.choice(PREPOSITIONS)} {noun()}"
    if rng.random() < 0.2:
        return f"{rng.choice(QUESTION_WORDS)} {clause}?"
    more = f" {rng.choice(CONJUNCTIONS)} {noun()} {rng.choice(AUXILIARIES)} {rng.choice(verbs)}"
    return f"{noun().capitalize()} {clause}{more if rng.random() < 0.5 else ''}."
