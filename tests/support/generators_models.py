"""Tokenizers and a model small enough to be made in a test, with chat templates in the styles of the families."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SENTENCES = (
    "Kaixo, zer moduz zaude gaur?",
    "Ondo nago, eskerrik asko. Eta zu?",
    "Nola egiten da marmitakoa? Zer behar dut?",
    "Marmitakoa arrantzaleen jakia da: hegaluzea, patatak, tipula eta piperrak behar dira.",
    "Zergatik aldatzen dute kolorea hostoek udazkenean?",
    "Eman adibide bat, mesedez. 1, 2, 3 eta 4.",
    "Zu euskaraz baino ez dakien laguntzaile atsegina zara.",
    "user assistant system model",
)

LLAMA = """{{- bos_token }}
{%- for message in messages %}
{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}"""

CHATML = """{%- if messages[0]['role'] != 'system' %}
{{- '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}
{%- endif %}
{%- for message in messages %}
{{- '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\n' }}
{%- if enable_thinking is not defined or enable_thinking %}{{- '<think>\n' }}{%- endif %}
{%- endif %}"""

GEMMA = """{{- bos_token }}
{%- if messages[0]['role'] == 'system' %}{{- raise_exception('System role not supported') }}{%- endif %}
{%- for message in messages %}
{%- set role = 'model' if message['role'] == 'assistant' else message['role'] %}
{{- '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<start_of_turn>model\n' }}{%- endif %}"""

MISTRAL = """{{- bos_token }}
{%- set ns = namespace(system='') %}
{%- for message in messages %}
{%- if message['role'] == 'system' %}{%- set ns.system = message['content'] + '\n\n' %}
{%- elif message['role'] == 'user' %}
{{- '[INST] ' + ns.system + message['content'] + '[/INST]' }}{%- set ns.system = '' %}
{%- else %}{{- ' ' + message['content'] + eos_token }}
{%- endif %}
{%- endfor %}"""

PLAIN = """{%- for message in messages %}
{{- ('USER: ' if message['role'] == 'user' else 'ASSISTANT: ') + message['content'] + '\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- 'ASSISTANT:' }}{%- endif %}"""

FAMILIES: dict[str, tuple[str | None, tuple[str, ...]]] = {
    "llama": (
        LLAMA,
        ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
    ),
    "chatml": (CHATML, ("<|endoftext|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>")),
    "gemma": (GEMMA, ("<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>")),
    "mistral": (MISTRAL, ("<s>", "</s>", "[INST]", "[/INST]")),
    "plain": (PLAIN, ("<s>", "</s>")),
    "base": (None, ("<s>", "</s>")),
}


def tokenizer(family: str) -> Any:
    """A transformers tokenizer of the family's style; bos and eos are the first two of its special tokens.

    `mistral` writes spaces as sentencepiece does, the others are byte-level. All add BOS when asked to add special
    tokens, so a second BOS shows.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    template, special = FAMILIES[family]
    inner = Tokenizer(models.BPE(unk_token=None))
    alphabet: list[str] = []
    if family == "mistral":
        inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
        inner.decoder = decoders.Metaspace(prepend_scheme="first")
        alphabet = [chr(code) for code in range(32, 127)] + ["\n", "ñ", "ü"]
    else:
        inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        inner.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet, show_progress=False)
    inner.train_from_iterator(SENTENCES * 4, trainer)
    inner.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in dict.fromkeys(special)])
    bos = special[0]
    inner.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", special_tokens=[(bos, inner.token_to_id(bos))]
    )
    made = PreTrainedTokenizerFast(tokenizer_object=inner, bos_token=bos, eos_token=special[1])
    made.chat_template = template
    return made


def save_model(folder: Path, family: str = "llama") -> Path:
    """An untrained Llama of about 100,000 parameters with the family's tokenizer, in a folder vLLM can serve."""
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    tokens = tokenizer(family)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokens),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=1,
        num_key_value_heads=1,
        max_position_embeddings=512,
        bos_token_id=tokens.bos_token_id,
        eos_token_id=tokens.eos_token_id,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    model.generation_config = GenerationConfig(eos_token_id=[tokens.eos_token_id])
    model.save_pretrained(folder)
    tokens.save_pretrained(folder)
    return folder
