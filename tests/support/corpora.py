"""Documents in Basque, and what else a corpus holds, for tests of the modes that are made from one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PLACES = ("Zarautz", "Getaria", "Lekeitio", "Bermeo", "Ondarroa", "Mutriku", "Hondarribia", "Pasaia", "Orio", "Deba")
TRADES = ("arrantzaleak", "nekazariak", "zurginak", "ikasleak", "bertsolariak", "okinak", "artzainak", "sukaldariak")

FOREIGN = (
    "The harbour of the town is old, and its fishermen go out to sea every morning before the sun is up. When they "
    "come back, the women of the village wait for them on the quay, and everybody helps to carry the boxes to the "
    "market. In the evening there is music in the streets, and nobody goes home before midnight."
)
MENU = "\n".join(("Hasiera", "Albisteak", "Kirola", "Eguraldia", "Kontaktua", "Lege-oharra"))
BINARY = "\x00\x01\x02PK\x03\x04" * 60


def paragraph(number: int) -> str:
    """One of eighty, each about 330 characters."""
    place, trade = PLACES[number % 10], TRADES[number // 10 % 8]
    return (
        f"{place} herrian bizi diren {trade} goizean goiz jaikitzen dira, eta egunsentia baino lehen hasten dira "
        f"lanean. Arratsaldean, berriz, plazan elkartzen dira, eta {number + 1900}. urteaz geroztik ospatzen duten "
        f"jaia prestatzen dute denen artean. Haurrek ere parte hartzen dute: abestiak ikasten dituzte, eta gero herri "
        f"osoaren aurrean kantatzen dituzte, {trade} txaloka ari zaizkien bitartean."
    )


def document(number: int, paragraphs: int = 1) -> str:
    return "\n\n".join(paragraph(number * paragraphs + each) for each in range(paragraphs))


def write_corpus(path: Path, documents: list[Any], **columns: list[Any]) -> Path:
    """JSONL with a column `text`, and others."""
    rows = [
        {"text": text, **{name: values[place] for name, values in columns.items()}}
        for place, text in enumerate(documents)
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path
