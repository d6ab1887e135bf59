"""Odd chat templates, each with a conversation and a hand-made mask of it.

A mask lists all tokens of the conversation, `·` between them; `+` stands before those that are learnt, and `⏎` for the
end of a line. Tokens are a special one, a word or a run of signs with the space before it, or a run of line ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

Messages = list[dict[str, Any]]


def talk(*turns: str, system: str | None = None) -> Messages:
    """User turns and replies in turn."""
    made = [{"role": ("user", "assistant")[at % 2], "content": turn} for at, turn in enumerate(turns)]
    return made if system is None else [{"role": "system", "content": system}, *made]


@dataclass(frozen=True)
class Odd:
    """`special` begins with eos, and bos where `bos` says so; `plain` tokens are added but not called special."""

    name: str
    template: str
    special: tuple[str, ...]
    messages: Messages
    mask: str
    both_mask: str
    """With user turns learnt too."""
    bos: bool = False
    plain: tuple[str, ...] = ()


NO_SYSTEM = Odd(
    "no system role, the reply's role has another name, and contents are trimmed",
    """{{- bos_token -}}
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}{{- raise_exception('there is no system role') -}}{%- endif -%}
{%- set role = 'model' if message['role'] == 'assistant' else 'user' -%}
{{- '<turn>' + role + '\n' + message['content'] | trim + '<end>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<turn>model\n' -}}{%- endif -%}""",
    ("<eos>", "<bos>", "<turn>", "<end>"),
    talk("kaixo", " bai \n", "eta zu?", "ni ere bai.", system="labur."),
    "<bos>·<turn>·user·⏎·labur·.·⏎⏎·kaixo·<end>·⏎·<turn>·model·⏎·+bai·+<end>·⏎·"
    "<turn>·user·⏎·eta· zu·?·<end>·⏎·<turn>·model·⏎·+ni·+ ere·+ bai·+.·+<end>·⏎",
    "<bos>·<turn>·user·⏎·labur·.·⏎⏎·+kaixo·+<end>·⏎·<turn>·model·⏎·+bai·+<end>·⏎·"
    "<turn>·user·⏎·+eta·+ zu·+?·+<end>·⏎·<turn>·model·⏎·+ni·+ ere·+ bai·+.·+<end>·⏎",
    bos=True,
)
TOOLS = Odd(
    "tool calls, and a tool's answers as user turns",
    """{%- for message in messages -%}
{%- if message['role'] == 'tool' -%}
{{- '<|im_start|>user\n<result>' + message['content'] + '</result><|im_end|>\n' -}}{%- continue -%}
{%- endif -%}
{{- '<|im_start|>' + message['role'] + '\n' + (message['content'] or '') -}}
{%- for call in message['tool_calls'] or [] -%}{{- '<call>' + call['function']['name'] + '</call>' -}}{%- endfor -%}
{{- '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}""",
    ("<|im_end|>", "<|im_start|>"),
    [
        {"role": "user", "content": "zer ordu da?"},
        {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "ordua"}}]},
        {"role": "tool", "content": "12"},
        {"role": "tool", "content": "30"},
        {"role": "assistant", "content": "hamabiak."},
        {"role": "user", "content": "eta orain?"},
        {"role": "assistant", "content": "begira:", "tool_calls": [{"function": {"name": "ordua"}}]},
        {"role": "tool", "content": "13"},
        {"role": "assistant", "content": "ordu bata."},
    ],
    "<|im_start|>·user·⏎·zer· ordu· da·?·<|im_end|>·⏎·<|im_start|>·assistant·⏎·+<call>·+ordua·+</call>·+<|im_end|>·⏎·"
    "<|im_start|>·user·⏎·<result>·12·</result>·<|im_end|>·⏎·<|im_start|>·user·⏎·<result>·30·</result>·<|im_end|>·⏎·"
    "<|im_start|>·assistant·⏎·+hamabiak·+.·+<|im_end|>·⏎·<|im_start|>·user·⏎·eta· orain·?·<|im_end|>·⏎·<|im_start|>·"
    "assistant·⏎·+begira·+:·+<call>·+ordua·+</call>·+<|im_end|>·⏎·<|im_start|>·user·⏎·<result>·13·</result>·"
    "<|im_end|>·⏎·<|im_start|>·assistant·⏎·+ordu·+ bata·+.·+<|im_end|>·⏎",
    "<|im_start|>·user·⏎·+zer·+ ordu·+ da·+?·+<|im_end|>·⏎·<|im_start|>·assistant·⏎·+<call>·+ordua·+</call>·"
    "+<|im_end|>·⏎·<|im_start|>·user·⏎·<result>·12·</result>·<|im_end|>·⏎·<|im_start|>·user·⏎·<result>·30·</result>·"
    "<|im_end|>·⏎·<|im_start|>·assistant·⏎·+hamabiak·+.·+<|im_end|>·⏎·<|im_start|>·user·⏎·+eta·+ orain·+?·"
    "+<|im_end|>·⏎·<|im_start|>·assistant·⏎·+begira·+:·+<call>·+ordua·+</call>·+<|im_end|>·⏎·<|im_start|>·user·⏎·"
    "<result>·13·</result>·<|im_end|>·⏎·<|im_start|>·assistant·⏎·+ordu·+ bata·+.·+<|im_end|>·⏎",
    plain=("<call>", "</call>", "<result>", "</result>"),
)
THINKING = Odd(
    "reasoning that is left out of earlier replies and shown in the last",
    """{%- for message in messages -%}
{%- set content = message['content'] -%}
{%- if message['role'] == 'assistant' -%}
{%- set thought = '' -%}
{%- if '</think>' in content -%}
{%- set thought = content.split('</think>')[0].split('<think>')[-1].strip('\n') -%}
{%- set content = content.split('</think>')[-1].lstrip('\n') -%}
{%- endif -%}
{%- if loop.last -%}{%- set content = '<think>\n' + thought + '\n</think>\n\n' + content -%}{%- endif -%}
{%- endif -%}
{{- '<|im_start|>' + message['role'] + '\n' + content + '<|im_end|>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}""",
    ("<|im_end|>", "<|im_start|>"),
    talk("kaixo", "<think>\nagurra\n</think>\n\nbai", "zer?", "<think>\nea\n</think>\n\nez."),
    "<|im_start|>·user·⏎·kaixo·<|im_end|>·⏎·<|im_start|>·assistant·⏎·+bai·+<|im_end|>·⏎·"
    "<|im_start|>·user·⏎·zer·?·<|im_end|>·⏎·"
    "<|im_start|>·assistant·⏎·+<think>·+⏎·+ea·+⏎·+</think>·+⏎⏎·+ez·+.·+<|im_end|>·⏎",
    "<|im_start|>·user·⏎·+kaixo·+<|im_end|>·⏎·<|im_start|>·assistant·⏎·+bai·+<|im_end|>·⏎·"
    "<|im_start|>·user·⏎·+zer·+?·+<|im_end|>·⏎·"
    "<|im_start|>·assistant·⏎·+<think>·+⏎·+ea·+⏎·+</think>·+⏎⏎·+ez·+.·+<|im_end|>·⏎",
    plain=("<think>", "</think>"),
)
OPENED = Odd(
    "the generation prompt opens reasoning, and a finished reply closes it with other tokens",
    """{%- for message in messages -%}
{{- '<|' + message['role'] + '|>' -}}
{{- '<think>\n\n</think>\n\n' if message['role'] == 'assistant' and loop.last else '' -}}
{{- message['content'] + '<|end|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|><think>\n' -}}{%- endif -%}""",
    ("<|end|>", "<|user|>", "<|assistant|>"),
    talk("kaixo", "bai", "zer?", "ez."),
    # The line ends between the marks are one token, of which the prompt has the first half.
    "<|user|>·kaixo·<|end|>·<|assistant|>·+bai·+<|end|>·<|user|>·zer·?·<|end|>·"
    "<|assistant|>·<think>·⏎⏎·+</think>·+⏎⏎·+ez·+.·+<|end|>",
    "<|user|>·+kaixo·+<|end|>·<|assistant|>·+bai·+<|end|>·<|user|>·+zer·+?·+<|end|>·"
    "<|assistant|>·<think>·⏎⏎·+</think>·+⏎⏎·+ez·+.·+<|end|>",
    plain=("<think>", "</think>"),
)
MARKERS = Odd(
    "generation markers, a default system text, bos",
    """{{- bos_token -}}
{%- if messages[0]['role'] != 'system' -%}{{- '<|system|>Lagundu.<|end|>' -}}{%- endif -%}
{%- for message in messages -%}
{{- '<|' + message['role'] + '|>' -}}
{%- if message['role'] == 'assistant' -%}
{%- generation -%}{{- message['content'] + '<|end|>' -}}{%- endgeneration -%}
{%- else -%}{{- message['content'] + '<|end|>' -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}""",
    ("<|end|>", "<|begin|>", "<|user|>", "<|assistant|>", "<|system|>"),
    talk("kaixo", "bai", "zer?", "ez."),
    "<|begin|>·<|system|>·Lagundu·.·<|end|>·<|user|>·kaixo·<|end|>·<|assistant|>·+bai·+<|end|>·"
    "<|user|>·zer·?·<|end|>·<|assistant|>·+ez·+.·+<|end|>",
    "<|begin|>·<|system|>·Lagundu·.·<|end|>·<|user|>·+kaixo·+<|end|>·<|assistant|>·+bai·+<|end|>·"
    "<|user|>·+zer·+?·+<|end|>·<|assistant|>·+ez·+.·+<|end|>",
    bos=True,
)
MARKERS_WITHOUT_END = Odd(
    "generation markers that take the header in and leave the end of the turn out",
    """{%- for message in messages -%}
{%- if message['role'] == 'assistant' -%}
{%- generation -%}{{- '<|im_start|>assistant\n' + message['content'] -}}{%- endgeneration -%}{{- '<|im_end|>\n' -}}
{%- else -%}{{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}""",
    ("<|im_end|>", "<|im_start|>"),
    talk("kaixo", "bai", "zer?", "ez.", system="labur."),
    "<|im_start|>·system·⏎·labur·.·<|im_end|>·⏎·<|im_start|>·user·⏎·kaixo·<|im_end|>·⏎·"
    "<|im_start|>·assistant·⏎·+bai·+<|im_end|>·⏎·<|im_start|>·user·⏎·zer·?·<|im_end|>·⏎·"
    "<|im_start|>·assistant·⏎·+ez·+.·+<|im_end|>·⏎",
    "<|im_start|>·system·⏎·labur·.·<|im_end|>·⏎·<|im_start|>·user·⏎·+kaixo·+<|im_end|>·⏎·"
    "<|im_start|>·assistant·⏎·+bai·+<|im_end|>·⏎·<|im_start|>·user·⏎·+zer·+?·+<|im_end|>·⏎·"
    "<|im_start|>·assistant·⏎·+ez·+.·+<|im_end|>·⏎",
)
INST = Odd(
    "marks in plain text, a space that the reply's first token takes, eos after the reply, no generation prompt",
    """{%- set ns = namespace(system='') -%}
{%- for message in messages -%}
{%- if message['role'] == 'system' -%}{%- set ns.system = '<<SYS>>\n' + message['content'] + '\n<</SYS>>\n\n' -%}
{%- elif message['role'] == 'user' -%}
{{- bos_token + '[INST] ' + ns.system + message['content'] | trim + ' [/INST]' -}}{%- set ns.system = '' -%}
{%- else -%}{{- ' ' + message['content'] | trim + ' ' + eos_token -}}{%- endif -%}
{%- endfor -%}""",
    ("</s>", "<s>"),
    talk("kaixo", "bai", "zer?", "ez.", system="labur."),
    "<s>·[·INST·]· <<·SYS·>>·⏎·labur·.·⏎·<</·SYS·>>·⏎⏎·kaixo· [/·INST·]·+ bai·+ ·+</s>·"
    "<s>·[·INST·]· zer·?· [/·INST·]·+ ez·+.·+ ·+</s>",
    "<s>·[·INST·]· <<·SYS·>>·⏎·labur·.·⏎·<</·SYS·>>·⏎⏎·+kaixo·+ [/·+INST·+]·+ bai·+ ·+</s>·"
    "<s>·[·INST·]·+ zer·+?·+ [/·+INST·+]·+ ez·+.·+ ·+</s>",
    bos=True,
)
PLAIN_HEADERS = Odd(
    "roles as plain words, which turns say as well, and a date",
    """{{- 'Gaur: ' + strftime_now('%Y') + '\n\n' -}}
{%- for message in messages -%}
{{- {'system': 'System', 'user': 'User', 'assistant': 'Assistant'}[message['role']] + ': ' + message['content'] -}}
{{- eos_token if message['role'] == 'assistant' else '\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- 'Assistant:' -}}{%- endif -%}""",
    ("</s>",),
    talk("User: zer?", "Assistant: User: ez", "Assistant:", "bai."),
    "Gaur·:· YEAR·⏎⏎·User·:· User·:· zer·?·⏎·Assistant·:·+ Assistant·+:·+ User·+:·+ ez·+</s>·"
    "User·:· Assistant·:·⏎·Assistant·:·+ bai·+.·+</s>",
    "Gaur·:· YEAR·⏎⏎·User·:·+ User·+:·+ zer·+?·+⏎·+Assistant·+:·+ Assistant·+:·+ User·+:·+ ez·+</s>·"
    "User·:·+ Assistant·+:·+⏎·+Assistant·+:·+ bai·+.·+</s>",
)
SEVERAL_TOKENS = Odd(
    "an end of several tokens, which the last reply has without a line end",
    """{{- bos_token -}}
{%- for message in messages -%}
{{- '<|' + message['role'] + '|>\n' + message['content'] -}}
{%- if message['role'] == 'assistant' -%}{{- '\n### bukatu' + '<|stop|>' + eos_token -}}{%- endif -%}
{{- '' if loop.last else '\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '\n<|assistant|>\n' -}}{%- endif -%}""",
    ("<|endoftext|>", "<s>", "<|stop|>", "<|user|>", "<|assistant|>"),
    talk("kaixo", "bai", "zer?", "ez."),
    "<s>·<|user|>·⏎·kaixo·⏎·<|assistant|>·⏎·+bai·+⏎·+###·+ bukatu·+<|stop|>·+<|endoftext|>·⏎·"
    "<|user|>·⏎·zer·?·⏎·<|assistant|>·⏎·+ez·+.·+⏎·+###·+ bukatu·+<|stop|>·+<|endoftext|>",
    "<s>·<|user|>·⏎·+kaixo·+⏎·+<|assistant|>·⏎·+bai·+⏎·+###·+ bukatu·+<|stop|>·+<|endoftext|>·⏎·"
    "<|user|>·⏎·+zer·+?·+⏎·+<|assistant|>·⏎·+ez·+.·+⏎·+###·+ bukatu·+<|stop|>·+<|endoftext|>",
    bos=True,
)
CHANNELS = Odd(
    "a channel that the model opens, and another end for the last reply",
    """{%- for message in messages -%}
{%- if message['role'] == 'assistant' -%}
{{- '<|start|>assistant<|channel|>final<|message|>' + message['content'] -}}
{{- '<|return|>' if loop.last else '<|end|>' -}}
{%- else -%}{{- '<|start|>' + message['role'] + '<|message|>' + message['content'] + '<|end|>' -}}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|start|>assistant' -}}{%- endif -%}""",
    ("<|return|>", "<|start|>", "<|end|>", "<|message|>", "<|channel|>"),
    talk("kaixo", "bai", "zer?", "ez.", system="labur."),
    "<|start|>·system·<|message|>·labur·.·<|end|>·<|start|>·user·<|message|>·kaixo·<|end|>·"
    "<|start|>·assistant·+<|channel|>·+final·+<|message|>·+bai·+<|end|>·<|start|>·user·<|message|>·zer·?·<|end|>·"
    "<|start|>·assistant·+<|channel|>·+final·+<|message|>·+ez·+.·+<|return|>",
    "<|start|>·system·<|message|>·labur·.·<|end|>·<|start|>·user·<|message|>·+kaixo·+<|end|>·"
    "<|start|>·assistant·+<|channel|>·+final·+<|message|>·+bai·+<|end|>·"
    "<|start|>·user·<|message|>·+zer·+?·+<|end|>·"
    "<|start|>·assistant·+<|channel|>·+final·+<|message|>·+ez·+.·+<|return|>",
)
UNPROMPTED = Odd(
    "a template that never writes a generation prompt, and contents with spaces at their edges",
    """{%- for message in messages -%}
{{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' -}}
{%- endfor -%}""",
    ("<|im_end|>", "<|im_start|>"),
    talk(" kaixo\n", " bai ", "\nzer?", "\nez.\n"),
    # A reply's line end makes one token with the header's, which a prompt ends in the middle of.
    "<|im_start|>·user·⏎· kaixo·⏎·<|im_end|>·⏎·<|im_start|>·assistant·⏎·+ bai·+ ·+<|im_end|>·⏎·"
    "<|im_start|>·user·⏎⏎·zer·?·<|im_end|>·⏎·<|im_start|>·assistant·⏎⏎·+ez·+.·+⏎·+<|im_end|>·⏎",
    "<|im_start|>·user·⏎·+ kaixo·+⏎·+<|im_end|>·⏎·<|im_start|>·assistant·⏎·+ bai·+ ·+<|im_end|>·⏎·"
    "<|im_start|>·user·⏎⏎·+zer·+?·+<|im_end|>·⏎·<|im_start|>·assistant·⏎⏎·+ez·+.·+⏎·+<|im_end|>·⏎",
)
ODD = (
    NO_SYSTEM,
    TOOLS,
    THINKING,
    OPENED,
    MARKERS,
    MARKERS_WITHOUT_END,
    INST,
    PLAIN_HEADERS,
    SEVERAL_TOKENS,
    CHANNELS,
    UNPROMPTED,
)


@cache
def word_tokenizer(template: str, special: tuple[str, ...], words: str, bos: bool, plain: tuple[str, ...] = ()) -> Any:
    """A transformers tokenizer whose tokens are plain to see; it knows the words, signs and line ends of `words`."""
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.WordLevel(unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Split(Regex(r" ?\w+| ?[^\s\w]+|\n+|\s"), behavior="isolated")
    inner.decoder = decoders.Fuse()
    inner.train_from_iterator([words], trainers.WordLevelTrainer(special_tokens=["<unk>"], show_progress=False))
    inner.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    inner.add_tokens([AddedToken(token, special=False, normalized=False) for token in plain])
    named = {"eos_token": special[0], "unk_token": "<unk>"}
    if bos:
        named["bos_token"] = special[1]
        inner.post_processor = processors.TemplateProcessing(
            single="BOS $A", special_tokens=[("BOS", inner.token_to_id(special[1]))]
        )
    made = PreTrainedTokenizerFast(tokenizer_object=inner, **named)
    made.chat_template = template
    return made
