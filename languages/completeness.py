"""What a language pack still lacks: texts that nobody has translated, too few of them, slips of the pen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from languages.loader import PACK_FILE, WORDS_FILE, load_pack, pack_folders
from languages.pack import LanguagePack
from schemas.errors import LanguageError

# A text that begins with this is English, and waits for a speaker of the language.
PLACEHOLDER = "TRANSLATE:"
# Fewer lead every conversation down the same few paths, or tell the language too seldom.
LEAST = {
    "steering.system_prompts": 5,
    "steering.example_turns": 10,
    "steering.openers": 20,
    "steering.topics": 20,
    "function_words": 30,
    "markers.user": 1,
    "markers.assistant": 1,
    "markers.answer": 1,
    "markers.step": 1,
}


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing to do about a field, or a file, of a pack."""

    field: str
    what: str


def load_translated_pack(code: str, extra_dir: Path | None = None) -> LanguagePack:
    """The pack of a language, as load_pack reads it, fit to steer a build.

    Raises LanguageError when texts are still to be translated, and names their fields.
    """
    pack = load_pack(code, extra_dir)
    if fields := untranslated(pack):
        raise LanguageError(
            f"the language pack for {code!r} is not complete: translate what begins with {PLACEHOLDER} in "
            f"{pack_folders(extra_dir)[code] / PACK_FILE}: {', '.join(fields)}"
        )
    return pack


def untranslated(pack: LanguagePack) -> tuple[str, ...]:
    """The fields that hold a placeholder."""
    return tuple(field for field, texts in _texts(pack) if any(map(_is_placeholder, texts)))


def gaps(pack: LanguagePack) -> tuple[Gap, ...]:
    """All that is missing or wrong in a pack as load_pack gives it, field by field; none when it is complete."""
    return tuple(Gap(field, what) for field, texts in _texts(pack) for what in _faults(field, texts)) + _unmeasured(
        pack
    )


def _texts(pack: LanguagePack) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "name", (pack.name,)
    yield "native_name", (pack.native_name,)
    for group, model in (("steering", pack.steering), ("markers", pack.markers)):
        for name, value in model:
            yield f"{group}.{name}", (value,) if isinstance(value, str) else value
    yield "function_words", pack.function_words


def _is_placeholder(text: str) -> bool:
    return text.startswith(PLACEHOLDER)


def _faults(field: str, texts: tuple[str, ...]) -> Iterator[str]:
    waiting = sum(map(_is_placeholder, texts))
    least = LEAST.get(field, 0)
    if waiting:
        yield f"{waiting} of {len(texts)} to translate" if len(texts) > 1 else "to translate"
    elif len(texts) < least:
        yield f"{len(texts)}, {least} at least" if texts else "none"
    counts = Counter(" ".join(text.lower().split()) for text in texts)
    if repeated := [text for text, count in counts.items() if count > 1]:
        yield f"there more than once: {', '.join(repeated)}"
    if field == "function_words" and (upper := [word for word in texts if word != word.lower()]):
        yield f"not in lower case: {', '.join(upper)}"
    if field == "steering.topic_prompts" and (silent := [text for text in texts if "{topic}" not in text]):
        yield f"without {{topic}}: {', '.join(silent)}"


def _unmeasured(pack: LanguagePack) -> tuple[Gap, ...]:
    """What only a corpus can mend."""
    if pack.words is None:
        cure = f"make it with `iturri language new {pack.code} --update --corpus FILE`"
        return (Gap(WORDS_FILE, f"no such file; {cure}"),)
    if pack.unseen_limit >= 1:
        return (Gap("unseen_limit", "1, gibberish passes; measure it with a larger corpus"),)
    return ()
