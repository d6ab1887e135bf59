"""The part of a card that people write by hand, on the Hub or in a folder, and that every later publication keeps."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Final

import yaml

from schemas.errors import PublishError
from schemas.yaml_text import parse_yaml

BEGIN = "<!-- yours from here: every later publication keeps what you write between these two lines -->"
END = "<!-- yours to here -->"

_BEGIN, _END = re.compile(r"<!-- yours from here\b[^>]*-->(?:\r?\n)?"), re.compile(r"<!-- yours to here -->")
_SEAL = re.compile(r"<!-- written by Iturri[^{>]*(?P<seal>\{[^>]*\}) -->")
_COMMENT = "<!-- written by Iturri"
_FRONT = re.compile(r"\A\ufeff?\s*---[ \t]*\r?\n(?P<metadata>.*?\r?\n)??---[ \t]*(?:\r?\n(?P<body>.*)|\Z)", re.DOTALL)
_SECTION = re.compile(r"^(?=## )", re.MULTILINE)
# Cards of before there were marks had this row, and nobody can tell what in them was written by hand.
_UNMARKED = re.compile(r"^\| made with \| Iturri ", re.MULTILINE)

# What cards of this version and earlier ones have from Iturri, where no checksums tell it; the rest is people's.
OUR_KEYS: Final = (
    *("language", "license", "license_name", "license_link", "pretty_name", "size_categories", "task_categories"),
    *("annotations_creators", "language_creators", "tags", "configs", "dataset_info"),
)
OUR_TAGS: Final = (
    *("synthetic", "conversational", "instruction-tuning", "iturri"),
    *("magpie", "translation", "reverse", "grounded", "cross_lingual", "prompts"),
)

# Where in a recipe what a person may want to change there is set.
_RECIPE_FIELDS = {"license": "publish.licence", "pretty_name": "publish.title", "language": "language"}


@dataclass(frozen=True, slots=True)
class HandWritten:
    """What people wrote: text between the marks, metadata and tags beside those of Iturri."""

    text: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    tags: tuple[Any, ...] = ()


def renewed(card: str, there: str | None) -> str:
    """The card, newly written, with what people have written by hand into the one that is there.

    The card has both marks in its text. What comes back also tells, in a comment, the checksums of what Iturri wrote.
    The same card again changes nothing. Raises PublishError where the card that is there was edited outside of the
    marks, so that something would be lost, or cannot be read.
    """
    metadata, body = _split(card)
    kept = hand_written(there, metadata) if there is not None else HandWritten()
    whole = {**metadata, **({"tags": [*metadata.get("tags", []), *kept.tags]} if kept.tags else {}), **kept.metadata}
    before, _, after = _parts(body)
    front = yaml.safe_dump(whole, allow_unicode=True, sort_keys=False, width=10_000)
    seal = json.dumps(_checksums(metadata, body), separators=(",", ":"))
    comment = f"<!-- written by Iturri, but for what stands between the two lines above. Checksums: {seal} -->"
    return f"---\n{front}---\n{before}{BEGIN}\n{kept.text}{END}{after.rstrip()}\n\n{comment}\n"


def card_text(content: bytes) -> str:
    """The text of a card that is there. Raises PublishError for what is none, as nothing of it could be kept."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise PublishError(
            "README.md that is there is no text in UTF-8; save it as such, or remove it, and publish again"
        ) from error


def hand_written(there: str, ours: dict[str, Any]) -> HandWritten:
    """What is written by hand in the card that is there; `ours` is the metadata of the one to come.

    A card that Iturri did not write is hand-written as a whole. Raises PublishError.
    """
    metadata, body = _split(there)
    sealed = _seal(body)
    if sealed is not None:
        _refuse_edits(sealed, metadata, body)
        _refuse_additions(sealed, metadata, ours)
    written = {*ours, *OUR_KEYS, *(sealed["metadata"] if sealed is not None else ())}
    foreign = {key: value for key, value in metadata.items() if key not in written}
    tags = _others(_tags(metadata), ours, sealed["tags"] if sealed is not None else [])
    if _BEGIN.search(body) or _END.search(body):
        return HandWritten(_parts(body)[1], foreign, tags)
    if _UNMARKED.search(body):
        raise PublishError(
            "README.md that is there is a card of Iturri without the marks of the part that is yours; keep elsewhere"
            " what you wrote into it, remove it, and publish again"
        )
    if metadata.get("license") not in (None, ours.get("license")):
        raise PublishError(
            f"README.md that is there says license {metadata['license']}, and the recipe {ours.get('license')}; make"
            " them agree, by publish.licence or there, and publish again"
        )
    return HandWritten(f"{body.strip()}\n" if body.strip() else "", foreign, tags)


def _others(tags: list[Any], ours: dict[str, Any], sealed: list[str]) -> tuple[Any, ...]:
    """The tags that are neither of this card of Iturri's nor of an earlier one."""
    known = [*_tags(ours), *(() if sealed else OUR_TAGS)]
    return tuple(tag for tag in tags if tag not in known and _checksum(tag) not in sealed)


def _split(card: str) -> tuple[dict[str, Any], str]:
    """Metadata and text of a card."""
    front = _FRONT.match(card)
    if front is None:
        return {}, card
    try:
        metadata = parse_yaml("\n" + (front["metadata"] or ""), "README.md") or {}  # as its lines count
    except yaml.YAMLError as error:
        raise PublishError(
            f"the metadata of the card that is there is no YAML ({' '.join(str(error).split())}); mend its README.md,"
            " or remove it, and publish again"
        ) from error
    if not isinstance(metadata, dict):
        raise PublishError("the metadata of the card that is there has no fields; mend its README.md and publish again")
    return metadata, front["body"] or ""


def _parts(body: str) -> tuple[str, str, str]:
    """What stands before the marks, between them, and after. Raises PublishError unless there is one of each."""
    begin, end = list(_BEGIN.finditer(body)), list(_END.finditer(body))
    if len(begin) != 1 or len(end) != 1 or begin[0].end() > end[0].start():
        raise PublishError(
            f"the card that is there has {len(begin)} lines that open the part that is yours and {len(end)} that close"
            f" it; make it one `{BEGIN}` and below it one `{END}`, and publish again"
        )
    return body[: begin[0].start()], body[begin[0].end() : end[0].start()], body[end[0].end() :]


def _checksums(metadata: dict[str, Any], body: str) -> dict[str, Any]:
    """Of everything that Iturri wrote: each key of the metadata, each tag, each section of the text in order."""
    return {
        "metadata": {key: _checksum(value) for key, value in metadata.items() if key != "tags"},
        "tags": [_checksum(tag) for tag in _tags(metadata)],
        "sections": [_checksum(_plain(section)) for section in _sections(body)],
    }


def _refuse_edits(sealed: dict[str, Any], metadata: dict[str, Any], body: str) -> None:
    found = _checksums(metadata, body)
    keys = [key for key, value in sealed["metadata"].items() if found["metadata"].get(key) != value]
    if not keys and set(sealed["tags"]) - set(found["tags"]):
        keys = ["tags"]
    if keys:
        raise _edited_metadata(keys[0])
    if sealed["sections"] != found["sections"]:
        where = _place(sealed["sections"], _sections(body))
        raise _edited(where, "move it between the two marks that say what is yours")


def _refuse_additions(sealed: dict[str, Any], metadata: dict[str, Any], ours: dict[str, Any]) -> None:
    """A key that Iturri writes now, and did not write into the card that is there, is people's, and would be lost."""
    for key, value in metadata.items():
        if key in {*ours, *OUR_KEYS} - {"tags"} and key not in sealed["metadata"] and value != ours.get(key):
            raise _edited_metadata(key)


def _edited_metadata(key: Any) -> PublishError:
    field = _RECIPE_FIELDS.get(key)
    where = f"set `{field}` in the recipe" if field else "Iturri writes it from the recipe"
    return _edited(f"the metadata `{key}`", f"take the change back: {where}")


def _edited(where: str, cure: str) -> PublishError:
    return PublishError(
        f"README.md that is there was edited where it is not yours, in {where}, and the next card would lose that;"
        f" {cure}; or, if the edit can go, remove the comment `written by Iturri` at its end; then publish again"
    )


def _place(sealed: list[str], sections: list[str]) -> str:
    """Where the sections that are there begin to differ from those that were written."""
    for section, checksum in zip_longest(sections, sealed):
        if section is None:
            return "a section that is gone"
        if _checksum(_plain(section)) != checksum:
            return f"`{section.splitlines()[0]}`" if section.startswith("## ") else "what stands above its sections"
    raise AssertionError("unreachable")


def _seal(body: str) -> dict[str, Any] | None:
    """The checksums in the comment of a card; None where there is none. Raises PublishError for a damaged one."""
    outside = _outside(body)
    comment = _SEAL.search(outside)
    if comment is None and _COMMENT not in outside:
        return None
    try:
        sealed = json.loads(comment["seal"]) if comment is not None else None
    except ValueError:
        sealed = None
    shape = {"metadata": dict, "tags": list, "sections": list}
    if isinstance(sealed, dict) and all(isinstance(sealed.get(name), kind) for name, kind in shape.items()):
        return sealed
    raise PublishError(
        "the comment `written by Iturri` of the card that is there is damaged, so nobody can tell what was edited;"
        " put it back, or take it away if edits outside of the two marks may be lost, and publish again"
    )


def _outside(body: str) -> str:
    """The text without what stands between the marks, and without the marks."""
    if not (_BEGIN.search(body) or _END.search(body)):
        return body
    before, _, after = _parts(body)
    return f"{before}\n{after}"


def _sections(body: str) -> list[str]:
    """What Iturri wrote of the text, cut before each heading."""
    return _SECTION.split(_SEAL.sub("", _outside(body)).replace("\r\n", "\n"))


def _plain(section: str) -> str:
    """Without what an editor changes by itself: line ends, blanks at the ends of lines, blank lines at the edges."""
    return "\n".join(line.rstrip() for line in section.splitlines()).strip()


def _tags(metadata: dict[str, Any]) -> list[Any]:
    """Of a single tag, YAML may hold it alone."""
    tags = metadata.get("tags")
    return tags if isinstance(tags, list) else [] if tags is None else [tags]


def _checksum(value: Any) -> str:
    try:
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    except (TypeError, ValueError):
        text = "what JSON cannot hold, and Iturri does not write"
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:10]
