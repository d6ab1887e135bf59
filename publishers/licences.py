"""Whether a dataset's licence goes with those of its backbone and its texts. A check of facts, and no legal advice.

What licences ask is in `publishers/licence_rules.py`, what is proposed for which backbone in
`publishers/backbone_licences.py`; docs/licences.md says both to people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from publishers.backbone_licences import licence_by_name
from publishers.licence_rules import Rule, is_judged, rule_of
from publishers.sources import text_sources
from schemas.backbones import BackboneSpec, ScriptedBackbone
from schemas.errors import RecipeError
from schemas.licences import HUB_LICENCES, OTHER, hub_licence, nearest_licence
from schemas.manifest import Manifest
from schemas.recipe import Recipe

FIELD = "publish.licence"
AGAIN = "run `iturri build` of the changed recipe (nothing is sampled anew), and publish"
_ANY = "cc-by-4.0"  # proposed where nothing asks for another one
_NAMING_ALONE = frozenset(one for one in HUB_LICENCES if re.fullmatch(r"cc-by-\d.*|odc-by|etalab.*", one))
_OTHER_IS = "`other` with licence_name and licence_link"


@dataclass(frozen=True, slots=True)
class Origin:
    """What conversations come from, the backbone or a dataset, and its licence; None where none is stated."""

    what: str
    licence: str | None
    by_name: bool = False
    texts: bool = False
    translated: bool = False

    @property
    def rule(self) -> Rule | None:
        if self.licence is None:
            return None
        return rule_of(self.licence, texts=self.texts, translated=self.translated)

    @property
    def stated(self) -> str:
        """The licence in words."""
        if self.licence is None:
            return "not stated"
        return f"{self.licence}, by its name; the recipe states none" if self.by_name else self.licence

    @property
    def asks(self) -> str:
        """What the licence asks, in a sentence."""
        if self.rule is not None:
            return self.rule.asks
        if self.licence is None:
            return "Nobody has said; look it up before you use this."
        if is_judged(self.licence):
            return "Nothing that is checked here."
        return "Its terms are not known here: read what they ask before you use this."


@dataclass(frozen=True, slots=True)
class Terms:
    """The licence that is chosen for a dataset, None for none, and those of what it comes from."""

    licence: str | None
    origins: tuple[Origin, ...]

    def objection(self) -> str | None:
        """Why the licence cannot be, and what could; None where nothing objects, or no licence is chosen."""
        if self.licence is None or self.licence == OTHER:
            return None
        if self.licence not in HUB_LICENCES:
            near = nearest_licence(self.licence)
            return f"{self.licence!r} is no licence of the Hub's list; take {near or _OTHER_IS}"
        for one in self.origins:
            if (rule := one.rule) is not None and self.licence not in rule.fits:
                return (
                    f"{self.licence} does not go with {one.what} ({one.stated}): {rule.asks} "
                    f"Choose {self._choices()}; see {rule.source}"
                )
        return None

    def check(self) -> None:
        """Raises RecipeError that names the field where the licence cannot be."""
        if objection := self.objection():
            raise RecipeError(f"{FIELD}: {objection}")

    def missing(self) -> str | None:
        """What to say where no licence is chosen."""
        if self.licence is not None:
            return None
        fitting = self.fitting()
        if fitting is None:
            return f"not given, and the Hub needs one: no licence of its list goes with all of this, only {_OTHER_IS}"
        asking = next((one for one in self.origins if one.rule is not None and one.licence == fitting), None)
        why = f", which the licence of {asking.what} asks for" if asking and fitting != _ANY else ""
        return f"not given, and the Hub needs one, such as {fitting}{why}"

    def fitting(self) -> str | None:
        """A licence of the Hub's list that goes with everything; None where there is none.

        It is the one that an origin with demands has itself, where that goes with the others too.
        """
        rules = [(one.licence, rule) for one in self.origins if (rule := one.rule) is not None]
        if not rules:
            return _ANY
        fit = frozenset.intersection(*(rule.fits for _, rule in rules))
        theirs = [near for licence, _ in rules if (near := nearest_licence(licence or "")) in fit]
        narrowest = sorted(theirs, key=lambda licence: (licence in _NAMING_ALONE, licence))
        if narrowest:
            return narrowest[0]
        return _ANY if _ANY in fit else max(fit, default=None)

    def _choices(self) -> str:
        fitting = self.fitting()
        return f"{fitting}, or {_OTHER_IS}" if fitting else _OTHER_IS


def terms_of(recipe: Mapping[str, Any], backbone: str | None, stated: str | None) -> Terms:
    """The terms of a recipe, as JSON has it, whose backbone has this name and licence.

    `backbone` is None where it is not known which model that is: then the texts alone are looked at.
    """
    licence = (recipe.get("publish") or {}).get("licence")
    origins = [] if backbone is None else [_model(backbone, stated)]
    for mode in recipe.get("modes") or ():
        for one in text_sources(mode):
            origins.append(
                Origin(
                    f"the texts of {one['dataset']}",
                    _named(one.get("licence")),
                    texts=True,
                    translated=one["mode"] == "translation",
                )
            )
    return Terms(_named(licence), tuple(dict.fromkeys(origins)))


def recipe_terms(recipe: Recipe, backbone: BackboneSpec | None) -> Terms:
    """The terms of a recipe before it is built, with its backbone as declared; None for one that is not known."""
    fields = recipe.model_dump(mode="json")
    if backbone is None or isinstance(backbone, ScriptedBackbone):
        return terms_of(fields, None, None)
    return terms_of(fields, backbone.model, backbone.licence)


def manifest_terms(manifest: Manifest) -> Terms:
    """The terms of a build."""
    made = manifest.provenance
    return terms_of(made.recipe, made.backbone, made.backbone_licence)


def refuse_unfit(manifest: Manifest) -> None:
    """Raises RecipeError where the licence of a build cannot be, before anything of it is published."""
    if objection := manifest_terms(manifest).objection():
        raise RecipeError(f"{FIELD}: {objection}. Then {AGAIN}")


def licence_metadata(publish: Mapping[str, Any]) -> dict[str, str]:
    """A recipe's licence in the words of a card's metadata."""
    licence = publish.get("licence")
    if licence != OTHER:
        return {"license": licence or "unknown"}
    return {"license": OTHER} | {
        f"license_{part}": value for part in ("name", "link") if (value := publish.get(f"licence_{part}"))
    }


def _model(name: str, stated: str | None) -> Origin:
    short = PurePath(name).name if PurePath(name).is_absolute() else name
    if stated is not None:
        return Origin(f"the backbone {short}", _named(stated))
    found = licence_by_name(name)
    return Origin(f"the backbone {short}", found, by_name=found is not None)


def _named(licence: str | None) -> str | None:
    """The Hub's identifier where there is one, else what is said."""
    return licence and (hub_licence(licence) or " ".join(licence.split()))
