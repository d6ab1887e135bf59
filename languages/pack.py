"""A language pack: all that is specific to one language."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from schemas.base import Frozen
from schemas.recipe import LanguageCode


class SteeringTexts(Frozen):
    """Texts that steer the sampling of user turns. `{topic}` stands for one of the topics."""

    system_prompts: tuple[str, ...] = Field(min_length=1)
    topic_prompts: tuple[str, ...] = Field(min_length=1, description="system prompts that name {topic}")
    examples_heading: str = Field(description="the line above example turns")
    example_turns: tuple[str, ...] = Field(min_length=1)
    reply_prompts: tuple[str, ...] = Field(min_length=1, description="system prompts for replies")
    openers: tuple[str, ...] = Field(min_length=1, description="how a first user turn may start")
    topics: tuple[str, ...] = Field(min_length=1)


class Markers(Frozen):
    """What a model leaves in a turn when it runs on into the next one."""

    roles: tuple[str, ...] = Field(description="role names that a colon follows, such as `Erabiltzailea`")
    fields: tuple[str, ...] = Field(
        default=(),
        description="names of a template's fields, such as `Erantzuna` in `### Erantzuna:`; fine without ###",
    )


class LanguagePack(Frozen):
    """Read from `pack.yaml` in the pack's folder; the langdetect profile lies beside it."""

    code: LanguageCode
    name: str = Field(description="in English")
    native_name: str
    steering: SteeringTexts
    markers: Markers
    function_words: tuple[str, ...] = Field(min_length=1, description="frequent words that carry grammar, lower case")
    profile: Path | None = Field(default=None, description="langdetect profile; None where langdetect ships its own")
