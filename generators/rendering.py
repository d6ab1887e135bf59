"""Conversations as text, by the tokenizer's own chat template with reasoning switched off."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from generators.one_line import one_line
from generators.reasoning import EFFORT, EFFORTS, SWITCHES
from schemas.conversation import Message
from schemas.errors import TemplateError

SENTINELS = ("SentinelAlpha", "SentinelBeta", "SentinelGamma")
"""Texts that stand for turns; no template writes them, and no tokenizer merges them with a special token."""

# A tag of transformers' own, which marks the text that training looks at.
_GENERATION = re.compile(r"{%-?\s*(?:end)?generation\s*-?%}")


class Renderer:
    """Renders messages as `tokenizer.apply_chat_template` does.

    A template without a system role gets system messages folded into the next user turn, a blank line between them, as
    Gemma's documentation tells its users to (ai.google.dev/gemma/docs/core/prompt-structure). One that only shows
    contents in parts, as some models of images and text have it, gets them so. Raises TemplateError when there is no
    template and when it cannot be rendered.
    """

    def __init__(self, tokenizer: Any, name: str) -> None:
        self._tokenizer = tokenizer
        self.name = name
        self.text = self._template_text()
        self.switches = self._off_switches()
        self._in_parts = False
        self._in_parts = self._probe_parts()
        self.has_system_role = self._probe_system_role()

    def render(self, messages: Sequence[Mapping[str, str]], add_generation_prompt: bool = False) -> str:
        given: Sequence[Mapping[str, Any]] = messages
        if self._in_parts:
            given = [{**message, "content": [{"type": "text", "text": message["content"]}]} for message in messages]
        try:
            text = self._tokenizer.apply_chat_template(
                given, tokenize=False, add_generation_prompt=add_generation_prompt, **self.switches
            )
        except Exception as error:  # a template is a program: what it raises is not known
            raise TemplateError(f"{self.name}: the chat template cannot be rendered: {one_line(error)}") from error
        return str(text)

    def attempt(self, messages: Sequence[Mapping[str, str]]) -> str:
        """The text, empty where the template refuses such a conversation."""
        try:
            return self.render(messages)
        except TemplateError:
            return ""

    def left(self, messages: Sequence[Mapping[str, str]], sentinel: str) -> str:
        """What stands left of the sentinel, which the last message holds."""
        text = self.render(messages)
        at = text.rfind(sentinel)
        if at < 0:
            role = messages[-1]["role"]
            raise TemplateError(f"{self.name}: the chat template does not show the text of {role} turns")
        return text[:at]

    def dicts(self, messages: Sequence[Message]) -> list[dict[str, str]]:
        dicts: list[dict[str, str]] = []
        folded: list[str] = []
        for message in messages:
            if message.role == "system" and not self.has_system_role:
                folded.append(message.content)
                continue
            content = message.content
            if folded and message.role == "user":
                content = "\n\n".join((*folded, content))
                folded = []
            dicts.append({"role": message.role, "content": content})
        return dicts

    def _template_text(self) -> str:
        try:
            return str(self._tokenizer.get_chat_template())
        except (AttributeError, ValueError) as error:
            if isinstance(getattr(self._tokenizer, "chat_template", None), dict):
                raise TemplateError(
                    f"{self.name}: the tokenizer has several chat templates and none called default; "
                    "save it with the one to use as its only template"
                ) from error
            raise TemplateError(
                f"{self.name}: the tokenizer has no chat template; use an instruction-tuned model"
            ) from error

    def _off_switches(self) -> dict[str, Any]:
        """The switches of reasoning that the template reads, off; the least effort that it knows."""
        environment = ImmutableSandboxedEnvironment(extensions=["jinja2.ext.loopcontrols"])
        try:
            parsed = environment.parse(_GENERATION.sub("", self.text))
        except TemplateSyntaxError as error:
            raise TemplateError(
                f"{self.name}: the chat template cannot be rendered: line {error.lineno}: {one_line(error)}"
            ) from error
        named = {constant.value for constant in parsed.find_all(nodes.Const) if isinstance(constant.value, str)}
        read = meta.find_undeclared_variables(parsed)
        switches = {name: off for name, off in SWITCHES.items() if name in read}
        if EFFORT in read:
            switches[EFFORT] = next((effort for effort in EFFORTS if effort in named), EFFORTS[-1])
        return switches

    def _probe_parts(self) -> bool:
        asked = [{"role": "user", "content": SENTINELS[0]}]
        if SENTINELS[0] in self.attempt(asked):
            return False
        self._in_parts = True
        return SENTINELS[0] in self.attempt(asked)

    def _probe_system_role(self) -> bool:
        system, user, _ = SENTINELS
        return system in self.attempt([{"role": "system", "content": system}, {"role": "user", "content": user}])
