"""How a draft that ended is written down: as a row, as a sample of what was dropped, and in the funnel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pipeline.draft_backbone import DraftBackbone
from publishers.shard import config_name
from schemas.conversation import Conversation, Draft, Gate
from schemas.funnel import DroppedSample, FunnelRow
from schemas.modes import ModeSpec, language_of
from schemas.recipe import Recipe
from schemas.sampling import Sampling
from schemas.verdict import Drop

NOT_NEEDED = "not_needed"


def funnel_row(draft: Draft, spent: DraftBackbone, gate: str, reason: str) -> FunnelRow:
    """The account of one draft. What was planned and not sampled is what the gate has saved, if it is one."""
    done = [turn for turn in draft.turns if not (gate == Gate.SAMPLING and turn is draft.last)]
    asked = [turn for turn in done if turn.role == "user"]
    replied = [turn for turn in done if turn.role == "assistant"]
    saved = gate not in {"accepted", NOT_NEEDED}
    return FunnelRow(
        mode=config_name(draft.mode, draft.language),
        gate=gate,
        exchange=max(1, sum(turn.role == "user" for turn in draft.turns)),
        reason=reason,
        drafts=1,
        prompt_tokens=spent.prompt_tokens,
        completion_tokens=spent.completion_tokens,
        user_turns=len(asked),
        user_tokens=sum(turn.completion_tokens for turn in asked),
        replies=len(replied),
        reply_tokens=sum(turn.completion_tokens for turn in replied),
        user_turns_saved=max(0, draft.planned - len(asked)) if saved else 0,
        replies_saved=max(0, draft.planned - len(replied)) if saved else 0,
    )


def dropped_sample(draft: Draft, gate: Gate, drop: Drop) -> DroppedSample:
    return DroppedSample(
        draft_id=draft.id,
        mode=config_name(draft.mode, draft.language),
        gate=gate,
        reason=drop.reason,
        evidence=drop.evidence,
        turn=drop.turn,
        messages=tuple(turn.message() for turn in draft.turns or draft.given),
    )


class RowMaker:
    """Makes the rows of one build."""

    def __init__(self, recipe: Recipe, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self._sampling = {
            config_name(spec.mode, language_of(spec, recipe.language)): _sampling(spec) for spec in recipe.modes
        }

    def row(self, draft: Draft, spent: DraftBackbone, scores: Mapping[str, float]) -> Conversation:
        """The row of an accepted draft."""
        source = draft.source
        return Conversation(
            id=draft.id,
            messages=draft.messages(),
            language=draft.language,
            mode=draft.mode,
            exchanges=draft.exchanges,
            backbone=spent.name,
            backbone_revision=spent.revision,
            sampling=_how_it_was_made(self._sampling[config_name(draft.mode, draft.language)], draft),
            template_hash=spent.template.hash,
            recipe_fingerprint=self._fingerprint,
            scores=dict(scores),
            turn_languages=tuple(turn.language for turn in draft.turns),
            turn_origins=tuple(turn.origin for turn in draft.turns),
            source_document=source.document if source is not None else None,
            source=_json(source.model_dump(mode="json", exclude_none=True)) if source is not None else None,
            prompt_tokens=spent.prompt_tokens,
            completion_tokens=spent.completion_tokens,
        )


def _sampling(spec: ModeSpec) -> dict[str, Any]:
    """The sampling parameters of a mode by role, such as `user` and `reply`."""
    found = ((name.removesuffix("_sampling"), getattr(spec, name)) for name in type(spec).model_fields)
    return {
        name: value.model_dump(mode="json", exclude_defaults=True)
        for name, value in found
        if isinstance(value, Sampling)
    }


def _how_it_was_made(sampling: dict[str, Any], draft: Draft) -> str:
    made = {**sampling, "steering": draft.steering.model_dump(mode="json", exclude_defaults=True)}
    if sanitised := [number for number, turn in enumerate(draft.turns) if turn.sanitised]:
        made["sanitised_turns"] = sanitised
    if rewritten := [number for number, turn in enumerate(draft.turns) if turn.rewritten]:
        made["rewritten_turns"] = rewritten
    return _json(made)


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
