"""The licences of common backbones, by what their names say; for recipes that state none."""

from __future__ import annotations

import re
from typing import Final

# A pattern in the last part of the model's name, in small letters, and its licence: an identifier of the Hub, or the
# name of another one as the model's card has it. The first one found counts, so exceptions stand before their family.
# Sources are the cards of the models on the Hub, and what their makers say of them:
# https://docs.mistral.ai/getting-started/models/, https://ai.google.dev/gemma/terms (Gemma 4 is under Apache 2.0).
_BY_NAME: Final = (
    # distilled into Llama, under the licence of what they began from (card of DeepSeek-R1)
    (r"deepseek-r1-distill-llama-8b", "llama3.1"),
    (r"deepseek-r1-distill-llama-70b", "llama3.3"),
    (r"deepseek-(r1|v3-0324|v3\.\d)", "mit"),
    # Latxa follows its base: the first ones Llama 2, later ones name theirs
    (r"latxa-(7b|13b|70b)", "llama2"),
    (r"(?<![a-z])llama[-_ ]?(3[._]1)(?!\d)", "llama3.1"),
    (r"(?<![a-z])llama[-_ ]?(3[._]2)(?!\d)", "llama3.2"),
    (r"(?<![a-z])llama[-_ ]?(3[._]3)(?!\d)", "llama3.3"),
    (r"(?<![a-z])llama[-_ ]?4(?![\d.b])", "llama4"),
    (r"(?<![a-z])llama[-_ ]?3(?![\d._b])", "llama3"),
    (r"(?<![a-z])llama[-_ ]?2(?![\d._b])", "llama2"),
    (r"gemma-?4(?![\d.b])", "apache-2.0"),
    (r"(?<![a-z])gemma-?([123](n|\.1)?-|[27]b)", "gemma"),
    (r"qwen2\.5.*-3b", "qwen-research"),
    (r"qwen2(\.5)?.*-72b", "qwen"),
    (r"qwen(2|2\.5|3)-", "apache-2.0"),
    (r"(mistral-(large-instruct-(2407|2411)|small-instruct-2409)|ministral-8b-instruct-2410)", "mrl"),
    (r"(mixtral-8x|mistral-(7b|nemo)|mistral-small-(24b|3\.[12]-24b))", "apache-2.0"),
    (r"(eurollm|salamandra|apertus|smollm|olmo|gpt-oss)", "apache-2.0"),
    (r"granite-[34]", "apache-2.0"),
    (r"aya-101", "apache-2.0"),
    (r"(aya-(23|expanse)|c4ai-command|command-r|command-a)", "cc-by-nc-4.0"),
    (r"phi-([24](?!\d)|3(\.5)?-)", "mit"),
    (r"falcon-(7b|40b)", "apache-2.0"),
    (r"falcon(3-|-h1)", "falcon-llm-license"),
)


def licence_by_name(model: str) -> str | None:
    """The licence that models of this name have; None for those that are not known."""
    name = model.rstrip("/").rpartition("/")[2].lower()
    return next((licence for pattern, licence in _BY_NAME if re.search(pattern, name)), None)
