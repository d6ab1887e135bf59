"""Licences as the Hub knows them."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import cache
from typing import Annotated

from pydantic import AfterValidator

LIST = "https://huggingface.co/docs/hub/repositories-licenses"
OTHER = "other"
_LONGEST = 100  # characters of a wrong one that are looked at and told

# The identifiers of the Hub's list, LIST, in its order, with those that its API takes when a repository is made; cards
# with any other are refused there. `unknown` is of the list too, and no choice.
_IDENTIFIERS = """
apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m
afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5
cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0
cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0
cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl
lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl openmdw-1.0
openmdw-1.1 openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr deepfloyd-if-license
fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 grok2-community gemma other
"""
HUB_LICENCES = frozenset(_IDENTIFIERS.split())

# What people write for what the identifiers say, and words that tell no licence from another.
_SPELT = (
    (r"creative commons zero", "cc0"),
    (r"creative commons", "cc"),
    (r"attribution", "by"),
    (r"share[ -]?alike", "sa"),
    (r"non[ -]?commercial", "nc"),
    (r"no[ -]?deriv(ative)?s?", "nd"),
    (r"lesser general public", "lgpl"),
    (r"affero general public", "agpl"),
    (r"general public", "gpl"),
)
_SAY_NOTHING = """
license licence the version v gnu public domain international universal unported generic community agreement family
terms of use only or later meta google
"""
_NOISE = frozenset(_SAY_NOTHING.split())


def licence_words(text: str) -> tuple[str, ...]:
    """What tells a licence's name from others, however it is spelt: `CC BY 4.0` and `cc-by-4.0` give the same."""
    text = text.strip().lower()
    for pattern, word in _SPELT:
        text = re.sub(pattern, word, text)
    parts = re.findall(r"[a-z+]+|\d+(?:\.\d+)*", text)
    return tuple(re.sub(r"(\.0)+$", "", part) for part in parts if part not in _NOISE)


def hub_licence(text: str) -> str | None:
    """The Hub's identifier of a licence that is named somehow, such as `Apache License 2.0`.

    None for a name that is none of its, or could be several, such as `cc-by`.
    """
    lower = text.strip().lower()
    if lower in HUB_LICENCES:
        return lower
    words = licence_words(text)
    if words in _by_words():
        return _by_words()[words]
    longer = _longer(words)
    if len(longer) == 1:
        return _by_words()[longer[0]]
    # `ODbL 1.0`: the list has it without its version, and no other
    bare, number = words[:-1], words[-1:]
    return None if _longer(bare) or not "".join(number)[:1].isdigit() else _by_words().get(bare)


def nearest_licence(text: str) -> str | None:
    """The identifier that was probably meant."""
    words = licence_words(text)
    for begun in (words, words[:-1]):
        if begun in _by_words():
            return _by_words()[begun]
        if longer := _longer(begun):  # of `cc-by` the newest one that says no more
            fewest = min(map(len, longer))
            return _by_words()[max(known for known in longer if len(known) == fewest)]
    near = get_close_matches(" ".join(words), [" ".join(known) for known in _by_words()], n=1)
    return _by_words()[tuple(near[0].split())] if near else None


def _longer(words: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [known for known in _by_words() if words and known[: len(words)] == words and known != words]


@cache
def _by_words() -> dict[tuple[str, ...], str]:
    return {licence_words(identifier): identifier for identifier in sorted(HUB_LICENCES)}


def _licence(value: str) -> str:
    lower = value.strip().lower()
    if lower in HUB_LICENCES:
        return lower
    if lower == "unknown":
        raise ValueError("unknown is no licence; leave it out until one is chosen, a folder's card then says unknown")
    near = nearest_licence(value[:_LONGEST])
    meant = f"did you mean {near}? The list is" if near else "the list is"
    raise ValueError(
        f"{value[:_LONGEST]!r} is no licence of the Hub's list; {meant} at {LIST}, and `other`, with licence_name and "
        "licence_link, is of it too"
    )


def _licence_name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", value):
        asked = re.sub(r"[^a-z0-9.]+", "-", value.lower()).strip("-.")
        raise ValueError(f"{value!r} is no id of small letters, digits, dots and dashes, such as {asked or 'my-1.0'}")
    return value


def _licence_link(value: str) -> str:
    if not re.fullmatch(r"https://[^\s/]+\S*|[A-Za-z0-9_][A-Za-z0-9_.-]*", value):
        raise ValueError(f"{value!r} is neither an https address nor a file of the repository, such as LICENSE")
    return value


Licence = Annotated[str, AfterValidator(_licence)]
LicenceName = Annotated[str, AfterValidator(_licence_name)]
LicenceLink = Annotated[str, AfterValidator(_licence_link)]
