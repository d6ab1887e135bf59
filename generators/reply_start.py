"""Where a reply's text starts: what is to stand before it, and a template's generation prompt leaves to the model."""

from __future__ import annotations

from generators.reasoning import BLOCKS, left_open
from generators.rendering import SENTINELS, Renderer


def derive_start(renderer: Renderer) -> str:
    """What is to follow the generation prompt before the reply; empty for most templates.

    What a finished reply has there and the prompt has not: a header, the channel of replies, a closed block of
    reasoning. Otherwise, what closes the block that the prompt leaves open. Where the template reads no switch of
    reasoning and yet asks for it, or takes it out of earlier replies, an empty block: the model would write one
    (arXiv 2504.09858 does the same, and the cards of Llama-Nemotron).
    """
    user, reply, _ = SENTINELS
    asked = [{"role": "user", "content": user}]
    prompt = renderer.render(asked, add_generation_prompt=True)
    opened = left_open(prompt.rpartition(user)[2])
    shown = renderer.attempt([*asked, {"role": "assistant", "content": reply}]).rpartition(reply)[0]
    missing = shown[len(prompt) :] if shown.startswith(prompt) else ""
    if missing.strip() and not left_open(shown.rpartition(user)[2]):
        return missing
    if opened:
        return ("\n" if prompt.endswith("\n") else "\n\n") + opened + "\n\n"
    if not renderer.switches and (block := _expected(renderer, prompt)):
        opening, closing = block
        return f"{opening}\n\n{closing}\n\n"
    return ""


def _expected(renderer: Renderer, prompt: str) -> tuple[str, str] | None:
    """The block of reasoning that the model is expected to write by itself; None when the prompt has closed it."""
    if any(closing in prompt.rpartition(SENTINELS[0])[2] for _, closing in BLOCKS):
        return None
    return next((block for block in BLOCKS if block[0] in prompt or _taken_out(renderer, block)), None)


def _taken_out(renderer: Renderer, block: tuple[str, str]) -> bool:
    """Whether the template leaves the reasoning out of a reply that is not the last."""
    user, reasoning, reply = SENTINELS
    text = renderer.attempt(
        [
            {"role": "user", "content": user},
            {"role": "assistant", "content": f"{block[0]}{reasoning}{block[1]}{reply}"},
            {"role": "user", "content": user},
        ]
    )
    return reply in text and reasoning not in text
