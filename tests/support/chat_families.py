"""Families of chat templates as they behave: special tokens, stops, and what stands around turns.

The templates lie in tests/generators/chat_templates; they have their families' structure and tokens, and no more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

FULL_BAR = ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>")
LLAMA_3 = ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>")
IM = ("<|im_end|>", "<|im_start|>")
CHATML = (*IM, "<|endoftext|>")
TEKKEN = ("<s>", "</s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]")
EMPTY_THINK = "<think>\n\n</think>\n\n"

Spaces = Literal["bytes", "first", "always", "prepended", "replaced"]


@dataclass(frozen=True)
class Family:
    """`special` begins with bos, if there is one, and eos; `added` are added tokens that are not called special.

    `spaces` says how the tokenizer writes them: byte-level, or as sentencepiece does, with a space before the first
    word of a text (`first`) or of every segment (`always`), the same by a normalizer as Llama 2's tokenizer has it
    (`prepended`), or with none but those of the text, as Gemma's (`replaced`). `stops` are all its stop tokens.
    `reply_start` is what stands between the generation prompt of the template and a reply.
    """

    name: str
    special: tuple[str, ...]
    stops: tuple[str, ...]
    template: str = ""
    added: tuple[str, ...] = ()
    spaces: Spaces = "bytes"
    bos: bool = True
    writes_bos: int = 1
    right_stripping: tuple[str, ...] = ()
    config_eos: tuple[str, ...] = ()
    stop_texts: tuple[str, ...] = ()
    system: bool = True
    switches: dict[str, Any] = field(default_factory=dict)
    reply_start: str = ""
    as_finished: bool = True
    """Whether the prompt of a reply begins the finished conversation; the others say what their template leaves out."""
    in_parts: bool = False
    """Whether its template takes contents in parts only."""
    system_in_history: bool = True
    """Whether a conversation that ends with a reply still shows the system text."""


FAMILIES = (
    Family(
        "llama-2",
        ("<s>", "</s>"),
        ("</s>", "<s>"),
        spaces="prepended",
        stop_texts=("[/INST]",),
    ),
    Family("llama-3", LLAMA_3, ("<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|end_of_text|>")),
    Family(
        "llama-3.1",
        (*LLAMA_3, "<|eom_id|>", "<|python_tag|>"),
        ("<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|end_of_text|>", "<|eom_id|>"),
        config_eos=("<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"),
    ),
    Family(
        "latxa",  # continued from Llama 3.1, with its template and `<|eot_id|>` as eos
        ("<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"),
        ("<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"),
        template="llama-3.1",
    ),
    Family("mistral-v1", ("<s>", "</s>"), ("</s>",), spaces="prepended", stop_texts=("[/INST]",), system=False),
    Family(
        "mistral-v3",
        ("<s>", "</s>", "[INST]", "[/INST]"),
        ("[/INST]", "</s>", "[INST]"),
        spaces="first",
        system_in_history=False,  # the system text stands in a user turn that is last, so in none before a reply
    ),
    Family("mistral-v7", TEKKEN, ("[/INST]", "</s>", "[INST]")),
    Family(
        "magistral",
        (*TEKKEN, "[THINK]", "[/THINK]"),
        ("[/INST]", "</s>", "[INST]", "[THINK]"),
        reply_start="[THINK]\n\n[/THINK]\n\n",
        as_finished=False,  # the template writes replies as they are, reasoning and all
    ),
    Family(
        "mistral-effort",
        (*TEKKEN, "[MODEL_SETTINGS]", "[/MODEL_SETTINGS]", "[THINK]", "[/THINK]"),
        ("[/INST]", "</s>", "[INST]", "[THINK]"),
        switches={"reasoning_effort": "none"},
    ),
    Family(
        "gemma-2",
        ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"),
        ("<end_of_turn>", "<start_of_turn>", "<eos>"),
        added=("\n\n", "▁▁", "<table>"),
        spaces="replaced",
        system=False,
    ),
    Family(
        "gemma-3",
        ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>", "<start_of_image>"),
        ("<end_of_turn>", "<start_of_turn>", "<eos>"),
        config_eos=("<eos>", "<end_of_turn>"),
        added=("\n\n",),
        spaces="replaced",
    ),
    Family("chatml", CHATML, IM, bos=False, writes_bos=0),
    Family(
        "yi",  # its `<|im_end|>` is no special token
        ("<|startoftext|>", "<|endoftext|>"),
        ("<|im_end|>", "<|endoftext|>"),
        template="chatml",
        added=("<|im_start|>", "<|im_end|>", "<|im_sep|>"),
        spaces="always",
        writes_bos=0,
    ),
    Family("eurollm", ("<s>", "<|im_end|>", "<|im_start|>"), IM, "chatml-bos", spaces="first"),
    Family(
        "internlm-2",
        ("<s>", "</s>", "<|im_start|>", "<|im_end|>"),
        ("<|im_end|>", "<|im_start|>", "</s>"),
        "chatml-bos",
    ),
    Family("hermes-3", ("<|begin_of_text|>", "<|im_end|>", "<|im_start|>"), IM, "chatml-bos"),
    Family(
        "hermes-4",
        ("<|begin_of_text|>", "<|im_end|>", "<|im_start|>"),
        IM,
        writes_bos=0,
        switches={"thinking": False},
    ),
    Family(
        "salamandra",
        ("<s>", "</s>", "<|im_start|>", "<|im_end|>"),
        ("<|im_end|>", "<|im_start|>", "</s>"),
        writes_bos=0,
    ),
    Family("qwen-2.5", CHATML, IM, bos=False, writes_bos=0),
    Family("smollm-2", CHATML, IM, "qwen-2.5", bos=False, writes_bos=0),
    Family(
        "qwen-3",
        CHATML,
        CHATML,
        added=("<think>", "</think>"),
        config_eos=("<|im_end|>", "<|endoftext|>"),
        bos=False,
        writes_bos=0,
        switches={"enable_thinking": False},
    ),
    Family(
        "qwen-3-thinking",
        CHATML,
        IM,
        added=("<think>", "</think>"),
        bos=False,
        writes_bos=0,
        reply_start="\n</think>\n\n",
    ),
    Family(
        "qwq",
        CHATML,
        IM,
        added=("<think>", "</think>"),
        bos=False,
        writes_bos=0,
        reply_start="\n</think>\n\n",
        as_finished=False,  # the template leaves the block out of replies, the last one included
    ),
    Family("deepseek-v3", FULL_BAR, FULL_BAR[1:][::-1]),
    Family(
        "deepseek-r1",
        FULL_BAR,
        FULL_BAR[1:][::-1],
        added=("<think>", "</think>"),
        reply_start="\n</think>\n\n",
        as_finished=False,  # the template leaves the block out of replies, the last one included
    ),
    Family(
        "deepseek-r1-first",  # before its generation prompt opened the block
        FULL_BAR,
        FULL_BAR[1:][::-1],
        added=("<think>", "</think>"),
        reply_start=EMPTY_THINK,
        as_finished=False,  # as above
    ),
    Family("deepseek-v3.1", FULL_BAR, FULL_BAR[1:][::-1], added=("<think>", "</think>"), switches={"thinking": False}),
    Family(
        "phi-3",
        ("<s>", "<|endoftext|>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>"),
        ("<|end|>", "<|assistant|>", "<|user|>", "<|endoftext|>"),
        spaces="prepended",
        right_stripping=("<|user|>", "<|assistant|>", "<|system|>", "<|end|>"),
        config_eos=("<|endoftext|>", "<|assistant|>", "<|end|>"),
        writes_bos=0,
    ),
    Family(
        "phi-4",
        ("<|im_end|>", "<|im_start|>", "<|im_sep|>", "<|endoftext|>"),
        ("<|im_end|>", "<|im_start|>", "<|im_sep|>"),
        bos=False,
        writes_bos=0,
    ),
    Family(
        "phi-4-reasoning",
        ("<|im_end|>", "<|im_start|>", "<|im_sep|>", "<|endoftext|>"),
        ("<|im_end|>", "<|im_start|>", "<|im_sep|>"),
        added=("<think>", "</think>"),
        bos=False,
        writes_bos=0,
        reply_start=EMPTY_THINK,
        as_finished=False,  # the template asks for reasoning and writes replies as they are
    ),
    Family(
        "command-r",
        (
            "<BOS_TOKEN>",
            "<|END_OF_TURN_TOKEN|>",
            "<|START_OF_TURN_TOKEN|>",
            "<|USER_TOKEN|>",
            "<|CHATBOT_TOKEN|>",
            "<|SYSTEM_TOKEN|>",
        ),
        ("<|END_OF_TURN_TOKEN|>", "<|START_OF_TURN_TOKEN|>", "<|CHATBOT_TOKEN|>", "<|USER_TOKEN|>"),
    ),
    Family(
        "command-a",
        (
            "<BOS_TOKEN>",
            "<|END_OF_TURN_TOKEN|>",
            "<|START_OF_TURN_TOKEN|>",
            "<|USER_TOKEN|>",
            "<|CHATBOT_TOKEN|>",
            "<|SYSTEM_TOKEN|>",
            "<|START_RESPONSE|>",
            "<|END_RESPONSE|>",
            "<|START_THINKING|>",
        ),
        (
            "<|END_OF_TURN_TOKEN|>",
            "<|START_OF_TURN_TOKEN|>",
            "<|CHATBOT_TOKEN|>",
            "<|START_RESPONSE|>",
            "<|END_RESPONSE|>",
            "<|USER_TOKEN|>",
            "<|START_THINKING|>",
        ),
        reply_start="<|START_RESPONSE|>",
    ),
    Family(
        "granite",
        ("<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>"),
        ("<|end_of_text|>", "<|start_of_role|>", "<|end_of_role|>"),
        bos=False,
        writes_bos=0,
        switches={"thinking": False},
    ),
    Family("olmo-2", ("<|endoftext|>", "<|endoftext|>"), ("<|endoftext|>",), stop_texts=("<|assistant|>",)),
    Family("tulu-3", LLAMA_3[:2], ("<|end_of_text|>",), "olmo-2", stop_texts=("<|assistant|>",)),
    Family("zephyr", ("<s>", "</s>"), ("</s>",), spaces="prepended", writes_bos=0),
    Family("tinyllama", ("<s>", "</s>"), ("</s>",), "zephyr", spaces="first", writes_bos=0),
    Family(
        "falcon-3",
        ("<|endoftext|>", "<|user|>", "<|assistant|>", "<|system|>"),
        ("<|assistant|>", "<|endoftext|>", "<|user|>"),
        bos=False,
        writes_bos=0,
    ),
    Family(
        "smollm-3",
        ("<|begin_of_text|>", "<|im_end|>", "<|im_start|>"),
        IM,
        added=("<think>", "</think>"),
        writes_bos=0,
        switches={"enable_thinking": False},
    ),
    Family(
        "exaone",
        ("[BOS]", "[|endofturn|]", "[|system|]", "[|user|]", "[|assistant|]"),
        ("[|assistant|]", "[|endofturn|]", "[|user|]"),
        writes_bos=0,
    ),
    Family(
        "nemotron-1",
        LLAMA_3,
        ("<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|end_of_text|>"),
        reply_start=EMPTY_THINK,
        as_finished=False,  # the template leaves reasoning out of replies
    ),
    Family(
        "nemotron-2",
        ("<s>", "<SPECIAL_12>", "<SPECIAL_10>", "<SPECIAL_11>"),
        ("<SPECIAL_11>", "<SPECIAL_12>"),
        writes_bos=0,
        reply_start="\n</think>\n\n",
        as_finished=False,  # the template leaves reasoning out of replies
    ),
    Family(
        "gpt-oss",
        ("<|startoftext|>", "<|return|>", "<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|call|>"),
        ("<|end|>", "<|start|>", "<|channel|>", "<|message|>", "<|return|>", "<|call|>"),
        config_eos=("<|return|>", "<|call|>"),
        writes_bos=0,
        switches={"reasoning_effort": "low"},
        reply_start="<|channel|>final<|message|>",
    ),
    Family(
        "apertus",
        (
            "<s>",
            "<|assistant_end|>",
            "<|system_start|>",
            "<|system_end|>",
            "<|developer_start|>",
            "<|developer_end|>",
            "<|user_start|>",
            "<|user_end|>",
            "<|assistant_start|>",
            "<|inner_prefix|>",
            "<|inner_suffix|>",
        ),
        ("<|user_end|>", "<|assistant_start|>", "<|assistant_end|>", "<|user_start|>", "<|inner_prefix|>"),
        switches={"enable_thinking": False},
    ),
    Family(
        "seed-oss",
        ("<seed:bos>", "<seed:eos>", "<seed:think>", "</seed:think>"),
        ("<seed:eos>", "<seed:bos>", "<seed:think>"),
        switches={"thinking_budget": 0},
        as_finished=False,  # the template writes replies as they are, without the block of its generation prompt
    ),
    Family(
        "smolvlm",
        ("<|im_start|>", "<end_of_utterance>", "<image>"),
        ("<end_of_utterance>",),
        in_parts=True,
    ),
    Family(
        "glm-4",
        ("<|endoftext|>", "[gMASK]", "<sop>", "<|user|>", "<|assistant|>", "<|system|>", "/nothink"),
        ("/nothink", "<|assistant|>", "<|user|>", "<|endoftext|>"),
        added=("<think>", "</think>"),
        config_eos=("<|endoftext|>", "<|user|>"),
        bos=False,
        writes_bos=0,
        switches={"enable_thinking": False},
    ),
)
BY_NAME = {family.name: family for family in FAMILIES}
