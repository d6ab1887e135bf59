"""A language pack: all that is specific to one language."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from schemas.base import Frozen
from schemas.names import LanguageCode


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
    """What a model leaves in a turn when it runs on into the next one: names that a colon follows."""

    user: tuple[str, ...] = Field(description="of the one who asks, such as `Erabiltzailea`")
    assistant: tuple[str, ...] = Field(description="of the one who answers, such as `Laguntzailea`")
    system: tuple[str, ...] = ()
    question: tuple[str, ...] = Field(default=(), description="of what is asked, such as `Galdera`")
    answer: tuple[str, ...] = Field(default=(), description="of the answer, such as `Erantzuna`")
    input: tuple[str, ...] = Field(default=(), description="of what the question is about, such as `Sarrera`")
    output: tuple[str, ...] = Field(default=(), description="of what comes of it, such as `Irteera`; also in questions")
    step: tuple[str, ...] = Field(default=(), description="of a numbered step, such as `urratsa` in `1. urratsa`")


class ModeTexts(Frozen):
    """What the backbone reads in the modes that need more than steering; a mode whose texts are empty cannot run.

    `{text}` and `{document}` stand for what a mode puts in, once in each text; protected pieces in it look like ⟦1⟧.
    """

    math_prompts: tuple[str, ...] = Field(
        default=(), description="system prompts while user turns of magpie's category math are sampled"
    )
    code_prompts: tuple[str, ...] = Field(
        default=(), description="system prompts while user turns of magpie's category code are sampled"
    )
    translate_prompts: tuple[str, ...] = Field(
        default=(), description="user messages that ask for nothing but the translation of {text}; ⟦1⟧ stays as it is"
    )
    rewrite_prompts: tuple[str, ...] = Field(
        default=(),
        description="user messages that ask for nothing but {text}, a translation, in idiomatic words; ⟦1⟧ stays",
    )
    reverse_prompts: tuple[str, ...] = Field(
        default=(), description="user messages that ask for nothing but the one request that {document} answers well"
    )
    grounded_user_prompts: tuple[str, ...] = Field(
        default=(), description="system prompts while user turns about {document} are sampled"
    )
    grounded_reply_prompts: tuple[str, ...] = Field(
        default=(), description="system prompts for replies that rest on {document} and on nothing else"
    )
    cross_lingual_prompts: tuple[str, ...] = Field(
        default=(), description="system prompts for replies in this language to user turns in another"
    )


class LanguagePack(Frozen):
    """Read from `pack.yaml` in the pack's folder; `profile.json` and `words.tsv` lie beside it."""

    code: LanguageCode
    name: str = Field(description="in English")
    native_name: str
    steering: SteeringTexts
    modes: ModeTexts = ModeTexts()
    markers: Markers
    function_words: tuple[str, ...] = Field(min_length=1, description="frequent words that carry grammar, lower case")
    unseen_limit: float = Field(
        default=0.45,
        gt=0,
        le=1,
        description="text with a larger share of character pieces that no word of the corpus has is gibberish; 1: off",
    )
    profile: Path | None = Field(default=None, description="langdetect profile; None where langdetect ships its own")
    words: Path | None = Field(default=None, description="word statistics of the corpus; None where there are none")
