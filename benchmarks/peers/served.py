"""One vLLM server with the demo backbone, turns of fixed lengths, and what its counters say of a job."""

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

MODEL = "demo"
_TOKENS = re.compile(r"^vllm:generation_tokens_total\{[^}]*\} (\S+)", re.MULTILINE)
_LOOK_EVERY_S = 0.2


@contextmanager
def endless_server(folder: Path) -> Iterator[str]:
    """Its base URL, without /v1. The model that it serves knows no end of a text.

    distilabel cannot ask for `ignore_eos`, so that every turn has its `max_tokens` only where no token ends it.
    """
    model = folder / "endless"
    shutil.copytree(TOKENIZER, model)
    (model / "generation_config.json").unlink()
    for name, field, value in (
        ("config.json", "eos_token_id", None),
        ("tokenizer_config.json", "eos_token", "<|pad|>"),
    ):
        content = json.loads((model / name).read_text())
        (model / name).write_text(json.dumps({**content, field: value}))
    arguments = ["--model", str(model), "--served-model-name", MODEL, "--dtype", "float32", "--max-model-len", "1024"]
    with vllm_server(folder / "server.log", *arguments, "--max-num-seqs", "256") as url:
        yield url.removesuffix("/v1")


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
