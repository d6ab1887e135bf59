"""What the columns of a publication hold, in words for its card."""

from __future__ import annotations

from typing import Final

# In the order of the schema.
COLUMNS: Final = {
    "id": "names the conversation, also in review marks",
    "messages": "the conversation: a list of `role` and `content`, as TRL, Axolotl and `datasets` expect it",
    "language": "of the conversation, a code",
    "mode": "how it was made",
    "exchanges": "user turns with their replies",
    "backbone": "the model that was sampled",
    "backbone_revision": "its commit, where it is known",
    "sampling": "JSON: sampling parameters by role, steering, and which turns were sanitised or rewritten",
    "template_hash": "sha256 of the chat template that prompts were made with",
    "recipe_fingerprint": "of all in the recipe that decides what rows are like",
    "scores": "what filters measured: a list of `name` and `value`",
    "turn_languages": "of each user and assistant message, in their order",
    "turn_origins": "of the same: `sampled`, `translated`, `native` (of a corpus), `given` (of a list of prompts)",
    "source_document": "the id of the document or row that it was made from; null where there is none",
    "source": "JSON: dataset, revision, passage and licence of that; null where there is none",
    "prompt_tokens": "of the prompts that its turns were sampled from",
    "completion_tokens": "generated for its turns",
}
