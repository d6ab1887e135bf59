"""Sentences people wrote, read from a folder and dressed as documents: they give the model a wider Basque."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from pathlib import Path

from demo.grammar.core import Talk, expand, pick

# Text that is free of conditions, so that the weights can be too.
FILES = ("cc0_commonvoice.txt", "pd_udhr.txt")
_WORD = re.compile(r"[a-zñçü]{5,}")
_REQUEST = (
    "[Idatzi|Asmatu|Esan|Eman|Idatzidazu] esaldi bat [hitz honekin|hitz hau erabiliz|hitz hau duena]: {word}.",
    "Nola erabiltzen da «{word}» hitza esaldi batean?",
    "[Eman|Jarri] adibide bat «{word}» hitzarekin.",
)


class Corpus:
    """Sentences, and an index from their words."""

    def __init__(self, folder: Path) -> None:
        lines = [line.strip() for name in FILES for line in (folder / name).read_text().splitlines()]
        self.sentences = [line for line in lines if 20 <= len(line) <= 220]
        if not self.sentences:
            raise ValueError(f"{folder} holds no sentences in {', '.join(FILES)}")
        where: dict[str, list[int]] = defaultdict(list)
        for position, sentence in enumerate(self.sentences):
            for word in set(_WORD.findall(sentence)):
                where[word].append(position)
        # A word that few sentences share teaches nothing of how it is used; one that all share is no request.
        self._where = {word: places for word, places in where.items() if 8 <= len(places) <= 600}
        self._words = sorted(self._where)

    def text(self, rng: random.Random) -> str:
        """Plain sentences, one after the other."""
        return " ".join(pick(rng, self.sentences) for _ in range(rng.randint(1, 3)))

    def talk(self, rng: random.Random) -> Talk:
        """Somebody asks for a sentence with a word in it, once or twice."""
        turns: list[str] = []
        for word in rng.sample(self._words, rng.choice((1, 1, 2))):
            request = expand(rng, pick(rng, _REQUEST).format(word=word))
            turns += [request, self.sentences[pick(rng, self._where[word])]]
        return Talk("hizkuntzak", tuple(turns))
