"""What a language pack still lacks: texts that nobody has translated, too few of them, slips of the pen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from languages.loader import PACK_FILE, WORDS_FILE, load_pack, pack_folders
from languages.pack import LanguagePack, Markers, SteeringTexts
from schemas.errors import LanguageError

# A text that begins with this is English, and waits for a speaker of the language.
PLACEHOLDER = "TRANSLATE:"
# Fewer lead every conversation down the same few paths, or tell the language too seldom.
LEAST = {
    "steering.system_prompts": 5,
    "steering.example_turns": 10,
    "steering.openers": 20,
    "steering.topics": 20,
    "modes.math_prompts": 2,
    "modes.code_prompts": 2,
    "modes.translate_prompts": 1,
    "modes.rewrite_prompts": 1,
    "modes.reverse_prompts": 2,
    "modes.grounded_user_prompts": 2,
    "modes.grounded_reply_prompts": 1,
    "modes.cross_lingual_prompts": 1,
    "function_words": 30,
    "markers.user": 1,
    "markers.assistant": 1,
    "markers.answer": 1,
    "markers.step": 1,
}

# What each of a field's texts holds once, and no other prompt: something is put in its place.
PLACES = {
    "steering.topic_prompts": "{topic}",
    "modes.translate_prompts": "{text}",
    "modes.rewrite_prompts": "{text}",
    "modes.reverse_prompts": "{document}",
    "modes.grounded_user_prompts": "{document}",
    "modes.grounded_reply_prompts": "{document}",
}
# Code and formulas come to a translator as such pieces, and have to come back.
PROTECTED = "⟦1⟧"
PROTECTING = frozenset({"modes.translate_prompts", "modes.rewrite_prompts"})
# What magpie needs.
STEERING = frozenset(f"steering.{name}" for name in SteeringTexts.model_fields)
# What every build reads; names that a language lacks may be left out.
_ALWAYS = frozenset({"function_words", *(f"markers.{name}" for name in Markers.model_fields)})


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing to do about a field, or a file, of a pack."""

    field: str
    what: str


def load_translated_pack(code: str, extra_dir: Path | None = None, needed: frozenset[str] = STEERING) -> LanguagePack:
    """The pack of a language, as load_pack reads it, fit for a build that needs these fields.

    A field is named by its place in `pack.yaml`, such as "modes.code_prompts".

    Raises LanguageError that names those of them which missing_texts names, and markers and function words that are
    still to be translated.
    """
    pack = load_pack(code, extra_dir)
    waiting = tuple(field for field in untranslated(pack) if field in _ALWAYS - needed)
    if fields := missing_texts(pack, needed) + waiting:
        raise LanguageError(
            f"the language pack for {code!r} is not complete: write, or translate where it begins with {PLACEHOLDER}, "
            f"in {pack_folders(extra_dir)[code] / PACK_FILE}: {', '.join(fields)}; "
            f"`iturri language check {code}` says what each lacks"
        )
    return pack


def missing_texts(pack: LanguagePack, fields: Iterable[str]) -> tuple[str, ...]:
    """Those of the fields that no build can use: empty, still to be translated, or without their {place} in a text.

    Raises ValueError for a field that no pack has.
    """
    texts = dict(_texts(pack))
    asked = frozenset(fields)
    if unknown := sorted(asked - texts.keys()):
        raise ValueError(f"a language pack has no {', '.join(unknown)}")
    return tuple(field for field, found in texts.items() if field in asked and _is_missing(field, found))


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
    for group, model in (("steering", pack.steering), ("modes", pack.modes), ("markers", pack.markers)):
        for name, value in model:
            yield f"{group}.{name}", (value,) if isinstance(value, str) else value
    yield "function_words", pack.function_words


def _is_placeholder(text: str) -> bool:
    return text.startswith(PLACEHOLDER)


def _is_missing(field: str, texts: tuple[str, ...]) -> bool:
    return not texts or any(_is_placeholder(text) or not text.strip() or any(_misplaced(field, text)) for text in texts)


def _misplaced(field: str, text: str) -> Iterator[str]:
    """What is wrong with the places of a prompt that something is put into."""
    if not field.endswith("_prompts"):
        return
    own = PLACES.get(field)
    for place in sorted({*PLACES.values()}):
        count = text.count(place)
        if place == own and count != 1:
            yield f"without {place}" if count == 0 else f"with {place} {count} times"
        elif place != own and count:
            yield f"with {place}, which nothing fills here"


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
    for text in texts:
        yield from (f"{what}: {text}" for what in _misplaced(field, text))
        if field in PROTECTING and PROTECTED not in text:
            yield f"without a word on {PROTECTED}, which has to stay: {text}"


def _unmeasured(pack: LanguagePack) -> tuple[Gap, ...]:
    """What only a corpus can mend; a pack that has neither words nor a limit does without them, see unmeasured."""
    if pack.words is None:
        return (
            () if pack.unseen_limit >= 1 else (Gap(WORDS_FILE, f"no such file; {_cure(pack)}, or set unseen_limit: 1"),)
        )
    if pack.unseen_limit >= 1:
        return (Gap("unseen_limit", "1, gibberish passes; measure it with a larger corpus"),)
    return ()


def unmeasured(pack: LanguagePack) -> str | None:
    """What is not told by a pack that is complete without the words of a corpus; None where nothing is left out."""
    if pack.words is None and pack.unseen_limit >= 1:
        return f"gibberish is not told without {WORDS_FILE}; {_cure(pack)}"
    return None


def _cure(pack: LanguagePack) -> str:
    return f"make it with `iturri language new {pack.code} --update --corpus FILE`"
