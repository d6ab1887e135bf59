"""One vLLM server with a tiny random model, turns of fixed lengths, and what its counters say of a job."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.paced_text import TOKENIZER
from tests.support.vllm_server import vllm_server

MODEL = "tiny"
_TOKENS = re.compile(r"^vllm:generation_tokens_total\{[^}]*\} (\S+)", re.MULTILINE)
_LOOK_EVERY_S = 0.2


@contextmanager
def endless_server(folder: Path) -> Iterator[str]:
    """Its base URL, without /v1. The model is random, as small as a model can be, and knows no end of a text.

    Small, since what is compared is what surrounds the model, and on two cores a larger one would be what both wait
    for. distilabel cannot ask for `ignore_eos`, so that every turn has its `max_tokens` only where no token ends it.
    """
    model = folder / "endless"
    model.mkdir()
    for name in ("tokenizer.json", "chat_template.jinja"):
        shutil.copy(TOKENIZER / name, model)
    told = json.loads((TOKENIZER / "tokenizer_config.json").read_text())
    (model / "tokenizer_config.json").write_text(json.dumps({**told, "eos_token": "<|pad|>"}))
    _random_model(model)
    arguments = ["--model", str(model), "--served-model-name", MODEL, "--dtype", "float32", "--max-model-len", "1024"]
    with vllm_server(folder / "server.log", *arguments, "--max-num-seqs", "256") as url:
        yield url.removesuffix("/v1")


def _random_model(folder: Path) -> None:
    """Two layers, 64 wide, over the demo backbone's vocabulary: 0.4 million parameters."""
    from transformers import LlamaConfig, LlamaForCausalLM

    vocabulary = json.loads((TOKENIZER / "config.json").read_text())["vocab_size"]
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=None,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    (folder / "generation_config.json").unlink()


class Counted:
    """Watches the server's counter of tokens while a job runs: how many, and how long it sampled, in seconds."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._began: float | None = None
        self._ended = 0.0
        self.tokens = 0

    @property
    def seconds(self) -> float:
        """From the first token to the last, as nearly as the counter was looked at."""
        return 0.0 if self._began is None else self._ended - self._began

    def __enter__(self) -> Counted:
        self._before = self._total()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._done.wait(_LOOK_EVERY_S):
            self._look()

    def _look(self) -> None:
        tokens = self._total() - self._before
        if tokens != self.tokens:
            self._ended = time.perf_counter()
            self._began = self._began or self._ended
            self.tokens = tokens

    def _total(self) -> int:
        found = _TOKENS.search(httpx.get(f"{self._url}/metrics", timeout=60).text)
        return int(float(found.group(1))) if found else 0
