"""Reports of training runs that have not been, for what reads reports."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from schemas.training_report import HeldOutLoss, LanguageCost, Packing, SourceCount, TrainingReport

BASE = "meta-llama/Llama-3.1-8B-Instruct"
CONVERSATIONS = "euskaltzaleak/elkarrizketak"


def recipe(**changed: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": "proba",
        "model": {"name": BASE},
        "languages": ["eu", "en"],
        "data": {"conversations": [{"source": CONVERSATIONS}]},
    }
    return fields | changed


def loss(name: str, before: float, after: float) -> HeldOutLoss:
    return HeldOutLoss(name=name, sequences=20, tokens=4000, before=before, after=after)


def report(recipe_fields: dict[str, Any] | None = None, **changed: Any) -> TrainingReport:
    fields: dict[str, Any] = {
        "iturri_version": "0.1.0",
        "recipe": recipe_fields or recipe(),
        "model": BASE,
        "model_revision": "0e9e39f249a16976918f6564b8830bc894c89659",
        "template_hash": "e" * 64,
        "started": datetime(2026, 11, 1, 9, tzinfo=UTC),
        "ended": datetime(2026, 11, 2, 9, tzinfo=UTC),
        "sources": (
            SourceCount(
                source=CONVERSATIONS,
                revision="0123456789abcdef",
                kind="conversations",
                language="eu",
                mode="magpie",
                weight=2,
                read=1000,
                trained=1950,
                held_out=20,
                tokens=300_000,
                loss_tokens=210_000,
                dropped={"empty_turn": 3, "wrong_roles": 2},
                truncated=7,
            ),
            SourceCount(source="corpus.txt", kind="corpus", language="eu", read=400, trained=412, tokens=90_000),
        ),
        "languages": (LanguageCost(language="eu", tokens_per_word=2.71, bytes_per_token=3.1, unknown_share=0.0),),
        "packing": Packing(sequences=2362, packs=80, fill=0.991),
        "steps": 480,
        "tokens": 1_560_000,
        "seconds": 5400.2,
        "trainable_parameters": 8_030_261_248,
        "parameters": 8_030_261_248,
        "final_loss": 1.91,
        "losses": (loss("conversations-eu", 2.9, 1.8), loss("conversations-en", 1.1, 1.3)),
        "versions": {"torch": "2.13.0", "trl": "1.16.0"},
    }
    return TrainingReport.model_validate(fields | changed)
