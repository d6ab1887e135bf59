"""Mode `translation`: a conversation of another language is translated, turn by turn, by the backbone."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass

from generators.backbone import Backbone, Completion
from generators.material import Material, needed
from generators.mode import Step
from generators.pack_mode import PackMode
from generators.protection import Protected, placeholders, protect
from generators.reasoning import strip_reasoning
from generators.steering import Preference
from generators.turns import TurnRole, complete, no_room
from generators.wrapping import unwrapped
from schemas.conversation import Draft, FinishReason, Gate, Message, Steering, Turn
from schemas.modes import TranslationMode


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A text as the backbone gave it, less what it put around, its placeholders still in place."""

    text: str
    finish_reason: FinishReason
    sanitised: bool

    @property
    def whole(self) -> bool:
        return self.finish_reason == "stop" and bool(self.text)


class Translation(PackMode[TranslationMode]):
    """Each turn of the source is translated in a chat whose earlier exchanges are the translations made so far.

    So a reply is translated with its instruction in sight and words stay the same through a conversation, and the
    engine has the beginning of each prompt in its cache. What no translation may change is hidden behind placeholders
    (generators/protection.py).
    """

    name = "translation"

    def begin(self, index: int, material: Material | None, preference: Preference) -> Draft:
        texts, given = self._pack.modes, needed(material)
        choices = self._choices(index, preference)
        translate = choices.take("translate_prompt", texts.translate_prompts)
        rewrite = choices.take("rewrite_prompt", texts.rewrite_prompts) if self._spec.rewrite else None
        return Draft(
            id=self._id(index),
            index=index,
            mode=self.name,
            language=self._pack.code,
            given=tuple(
                _of_source(number, text, self._spec.source_language) for number, text in enumerate(given.texts)
            ),
            planned=max(1, len(given.texts) // 2),
            steering=Steering(
                translate_prompt=translate,
                rewrite_prompt=rewrite,
            ),
            arms=choices.used,
            source=given.source,
        )

    async def steps(self, draft: Draft, material: Material | None, backbone: Backbone) -> AsyncGenerator[Step, None]:
        """A source in another language than it should be costs nothing: it is judged first.

        Where the context is full, the conversation ends with the reply before, as in any mode.
        """
        yield Step(draft, Gate.MATERIAL)
        draft = draft.model_copy(update={"given": ()})
        chat: list[Message] = []
        whole = draft
        for number, text in enumerate(needed(material).texts):
            role: TurnRole = "assistant" if number % 2 else "user"
            turn = await self._turn(draft, role, text, chat, backbone)
            if turn is None:
                if whole.turns:
                    break
                turn = self._made(role, text, _Attempt("", "length", sanitised=False))
            draft = draft.with_turn(turn)
            yield Step(draft, Gate.REPLY if number % 2 else Gate.USER_TURN)
            if number % 2:
                whole = draft
        yield Step(whole, Gate.CONVERSATION)

    async def _turn(
        self, draft: Draft, role: TurnRole, text: str, chat: list[Message], backbone: Backbone
    ) -> Turn | None:
        """The translation of the next turn, which the chat then goes on with; None when the context has no room.

        A turn without a letter outside its protected pieces is nobody's to translate, and costs nothing.
        """
        source = protect(text)
        if source.empty:
            return self._made(role, text, _Attempt(text, "stop", sanitised=False))
        ask = _asked(draft.steering.translate_prompt, source.text)
        prompt = backbone.template.reply_prefix((*chat, ask))
        completion = await complete(backbone, draft, role, prompt, self._spec.translation_sampling, draft.language)
        if no_room(completion):
            return None
        attempt = self._attempt(completion, source.text)
        spent = [completion]
        rewritten = None
        if draft.steering.rewrite_prompt is not None and attempt.whole and source.intact(attempt.text):
            rewritten = await self._rewritten(draft, role, attempt, backbone, spent)
        final = rewritten or attempt
        chat += (ask, Message(role="assistant", content=final.text))
        return self._made(role, text, final, source, spent, rewritten=rewritten is not None)

    async def _rewritten(
        self, draft: Draft, role: TurnRole, attempt: _Attempt, backbone: Backbone, spent: list[Completion]
    ) -> _Attempt | None:
        """The translation in other words; None where these are cut off, or without one of its placeholders."""
        prompt = backbone.template.reply_prefix((_asked(draft.steering.rewrite_prompt, attempt.text),))
        completion = await complete(backbone, draft, role, prompt, self._spec.rewriting_sampling, draft.language)
        spent.append(completion)
        better = self._attempt(completion, attempt.text)
        return better if better.whole and placeholders(better.text) == placeholders(attempt.text) else None

    def _attempt(self, completion: Completion, source: str) -> _Attempt:
        text = strip_reasoning(completion.text)[0].strip()
        of_source = self._sanitiser.clean(source, "assistant")
        cleaned = self._sanitiser.clean(text, "assistant")
        finish = completion.finish_reason
        # A source that holds labels itself has them in its translation too.
        if not (of_source.labelled or of_source.played_on):
            text = cleaned.text
            finish = "stop" if cleaned.played_on else finish
        text = unwrapped(text, source)
        return _Attempt(text, finish, sanitised=text != completion.text.strip())

    def _made(
        self,
        role: TurnRole,
        original: str,
        attempt: _Attempt,
        source: Protected | None = None,
        spent: list[Completion] | None = None,
        *,
        rewritten: bool = False,
    ) -> Turn:
        return Turn(
            role=role,
            content=source.restored(attempt.text) if source is not None else attempt.text,
            finish_reason=attempt.finish_reason,
            language=self._pack.code,
            prompt_tokens=sum(one.prompt_tokens for one in spent or ()),
            completion_tokens=sum(one.completion_tokens for one in spent or ()),
            sanitised=attempt.sanitised,
            rewritten=rewritten,
            origin="translated",
            original=original,
        )


def _asked(prompt: str | None, text: str) -> Message:
    """A prompt with the text in its place; what the text says of places stays as it is."""
    return Message(role="user", content=(prompt or "{text}").replace("{text}", text))


def _of_source(number: int, text: str, language: str) -> Turn:
    return Turn(
        role="assistant" if number % 2 else "user",
        content=text,
        finish_reason="stop",
        language=language,
        prompt_tokens=0,
        completion_tokens=0,
        origin="given",
    )
