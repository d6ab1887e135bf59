"""What licences ask of a dataset that is made of texts under them, or sampled from a model under them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.licences import HUB_LICENCES, OTHER, licence_words


@dataclass(frozen=True, slots=True)
class Rule:
    """What a licence asks, in one sentence, which licences of the Hub's list keep it, and where it says so."""

    asks: str
    fits: frozenset[str]
    source: str


_ALL: Final = HUB_LICENCES - {OTHER}
_PUBLIC_DOMAIN: Final = frozenset({"cc0-1.0", "pddl", "unlicense", "wtfpl"})
_NON_COMMERCIAL: Final = frozenset(one for one in _ALL if one.startswith("cc-by-nc-"))
_NO_DERIVATIVES: Final = frozenset(one for one in _ALL if "-nd-" in one)
_RAIL: Final = frozenset(one for one in _ALL if "rail" in one)
_GPL: Final = frozenset({"gpl", "gpl-2.0", "gpl-3.0", "agpl-3.0"})
_LGPL: Final = frozenset({"lgpl", "lgpl-2.1", "lgpl-3.0"})

# Ask for nothing that another licence of a dataset would take away.
_PERMISSIVE: Final = """
apache-2.0 mit bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear isc zlib ncsa postgresql afl-3.0 artistic-2.0 bsl-1.0
ecl-2.0 cdla-permissive-1.0 cdla-permissive-2.0 openmdw-1.0 openmdw-1.1
"""
_FREE: Final = _PUBLIC_DOMAIN | frozenset(_PERMISSIVE.split())


def _llama_alone(licence: str, model: str, source: str) -> tuple[str, Rule]:
    asks = f"Outputs may improve no language model but {model} and what is derived from it."
    return licence, Rule(asks, frozenset({licence}), source)


def _llama_named(licence: str, source: str) -> tuple[str, Rule]:
    asks = (
        "A model that is trained on outputs and passed on has a name that begins with Llama; the agreement, with its "
        '"Built with Llama" and its use policy, goes along.'
    )
    return licence, Rule(asks, frozenset({licence}), source)


_RAIL_ASKS: Final = "Its restrictions of use are passed on, also with models that are trained on outputs."
_RAIL_SOURCE: Final = "https://www.licenses.ai/source-code-license"
_ATTRIBUTION_ASKS: Final = "Whoever passes the texts on names where they are from."

# Of models, and of texts that such models wrote.
_MODELS: Final[dict[str, Rule]] = dict(
    [
        _llama_alone("llama2", "Llama 2", "https://ai.meta.com/llama/license/"),
        _llama_alone("llama3", "Meta Llama 3", "https://www.llama.com/llama3/license/"),
        _llama_named("llama3.1", "https://www.llama.com/llama3_1/license/"),
        _llama_named("llama3.2", "https://www.llama.com/llama3_2/license/"),
        _llama_named("llama3.3", "https://www.llama.com/llama3_3/license/"),
        _llama_named("llama4", "https://www.llama.com/llama4/license/"),
    ]
) | {
    "gemma": Rule(
        "A model that is trained on outputs counts as derived from Gemma: the terms of use, with the prohibited uses, "
        "are passed on.",
        frozenset({"gemma"}),
        "https://ai.google.dev/gemma/terms",
    ),
    "grok2-community": Rule(
        "Outputs may train or improve no general model but Grok 2.",
        frozenset({"grok2-community"}),
        "https://huggingface.co/xai-org/grok-2/blob/main/LICENSE",
    ),
    **{
        one: Rule(
            _RAIL_ASKS,
            _RAIL,
            "https://huggingface.co/spaces/bigscience/license" if one.startswith("bigscience") else _RAIL_SOURCE,
        )
        for one in _RAIL
    },
}


def _stays(licence: str, fits: frozenset[str], source: str) -> tuple[str, Rule]:
    return licence, Rule(f"What is made from the texts stays under {licence}.", fits, source)


# Of texts alone: as the licence of a model's weights these say nothing of what the model writes.
_TEXTS: Final[dict[str, Rule]] = dict(
    [
        _stays("gfdl", frozenset({"gfdl"}), "https://www.gnu.org/licenses/fdl-1.3.html"),
        _stays("odbl", frozenset({"odbl"}), "https://opendatacommons.org/licenses/odbl/1-0/"),
        _stays("cdla-sharing-1.0", frozenset({"cdla-sharing-1.0"}), "https://cdla.dev/sharing-1-0/"),
        _stays("lgpl-lr", frozenset({"lgpl-lr"}), "https://spdx.org/licenses/LGPLLR.html"),
        *(_stays(one, _LGPL | _GPL, "https://www.gnu.org/licenses/lgpl-3.0.html") for one in sorted(_LGPL)),
        _stays("gpl", _GPL, "https://www.gnu.org/licenses/"),
        # the identifier does not tell "or later" from "only", so nothing is refused that may be right
        _stays("gpl-2.0", _GPL, "https://www.gnu.org/licenses/old-licenses/gpl-2.0.html"),
        _stays("gpl-3.0", _GPL - {"gpl-2.0"}, "https://www.gnu.org/licenses/gpl-3.0.html"),
        _stays("agpl-3.0", frozenset({"agpl-3.0"}), "https://www.gnu.org/licenses/agpl-3.0.html"),
    ]
) | {
    "odc-by": Rule(_ATTRIBUTION_ASKS, _ALL - _PUBLIC_DOMAIN, "https://opendatacommons.org/licenses/by/1-0/"),
    "etalab-2.0": Rule(_ATTRIBUTION_ASKS, _ALL - _PUBLIC_DOMAIN, "https://github.com/etalab/licence-ouverte"),
}


def rule_of(licence: str, *, texts: bool, translated: bool = False) -> Rule | None:
    """The rule of a licence, an identifier of the Hub or another name; None where it asks nothing that is checked.

    `texts` are published themselves, `translated` ones as something made of them; without, it is a model's licence.
    """
    if licence in _MODELS:
        return _MODELS[licence]
    if texts and licence in _TEXTS:
        return _TEXTS[licence]
    return _creative_commons(licence_words(licence), texts=texts, translated=translated)


def is_judged(licence: str) -> bool:
    """Whether it is known here what the licence asks."""
    by = licence_words(licence)[:2] == ("cc", "by")
    return by or licence in _FREE or licence in _MODELS or licence in _TEXTS


def _creative_commons(words: tuple[str, ...], *, texts: bool, translated: bool) -> Rule | None:
    """By the parts of its name, since texts have versions that the Hub does not list, such as cc-by-sa-2.0."""
    if words[:2] != ("cc", "by"):
        return None
    version = next((word for word in words if word[0].isdigit()), "")
    kind = "-".join(word for word in words if word in ("by", "nc", "nd", "sa"))
    source = f"https://creativecommons.org/licenses/{kind}/{_dotted(version or '4')}/legalcode"
    if texts and "nd" in words:
        if translated:
            return Rule("Translations and other adaptations may not be passed on.", frozenset(), source)
        fits = _NO_DERIVATIVES & _NON_COMMERCIAL if "nc" in words else _NO_DERIVATIVES
        return Rule("The texts are passed on as they stand, and nobody may adapt them.", fits, source)
    if "sa" in words:
        begin = f"cc-{kind}-"
        fits = frozenset(one for one in _ALL if one.startswith(begin) and one.removeprefix(begin) >= _dotted(version))
        if kind == "by-sa" and version in ("", "4"):
            fits |= {
                "gpl-3.0"
            }  # https://creativecommons.org/share-your-work/licensing-considerations/compatible-licenses
        return Rule(f"What is made from it stays under cc-{kind}, this version or a later one.", fits, source)
    if "nc" in words:
        return Rule("Nobody may use it, or what is made from it, commercially.", _NON_COMMERCIAL, source)
    return Rule(_ATTRIBUTION_ASKS, _ALL - _PUBLIC_DOMAIN, source) if texts else None


def _dotted(version: str) -> str:
    return version if "." in version or not version else f"{version}.0"
