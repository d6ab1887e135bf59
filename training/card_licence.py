"""The licence of an adapted model: the recipe's, or else its base's, whose terms it inherits."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schemas.licences import HUB_LICENCES, OTHER, hub_licence
from schemas.names import REPO

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CardLicence:
    """In the Hub's metadata, and in words of Markdown."""

    metadata: dict[str, str]
    words: str


def licence_of(chosen: str | None, base_licence: str | None, base: str) -> CardLicence:
    """`chosen` is the recipe's, `base_licence` what is known of the base model's: an identifier, or a name."""
    inherited = _known(base_licence)
    if chosen is not None:
        named = inherited if chosen == OTHER and inherited else chosen
        words = f"The model is published under {_shown(chosen)}."
        if inherited is None:
            words += " The licence of its base is not stated; its terms apply as well."
        elif inherited != chosen:
            words += f" Its base is under {_shown(inherited)}, whose terms apply as well."
        return CardLicence(_metadata(named, base) if chosen == OTHER else {"license": chosen}, words)
    if inherited is not None:
        words = (
            f"The recipe states no licence (`publish.licence`). An adapted model inherits the terms of its base, which"
            f" is under {_shown(inherited)}; so this one is given under the same. What that licence asks of whoever"
            " passes the model on, such as a notice or a name, is to be looked up there."
        )
        return CardLicence(_metadata(inherited, base), words)
    words = (
        "**No licence is stated**, so nothing is permitted beyond what the law permits anyway. Whoever publishes this"
        " sets `publish.licence` in the recipe. An adapted model inherits the terms of its base, which are not stated"
        " either."
    )
    return CardLicence({"license": UNKNOWN}, words)


def _known(text: str | None) -> str | None:
    """The Hub's identifier where there is one, else what is said, as an id."""
    if text is None or text.strip().lower() in ("", UNKNOWN):
        return None
    return hub_licence(text) or re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.") or None


def _metadata(licence: str, base: str) -> dict[str, str]:
    if licence in HUB_LICENCES - {OTHER}:
        return {"license": licence}
    name = {} if licence == OTHER else {"license_name": licence}
    link = {"license_link": f"https://huggingface.co/{base}"} if REPO.fullmatch(base) else {}
    return {"license": OTHER, **name, **link}


def _shown(licence: str) -> str:
    return "a licence of its own" if licence == OTHER else licence
