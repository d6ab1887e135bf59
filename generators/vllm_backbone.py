"""vLLM in this process: requests go to the engine through `AsyncLLM`, without a server in between."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import logging
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from generators.backbone import Completion, SampleRequest
from generators.chat_template import TokenizerTemplate, load_template
from generators.engine_host import EngineHost
from generators.one_line import one_line
from generators.revision import folder_revision
from generators.template import ChatTemplate
from generators.watching import Watching
from schemas.backbones import VllmBackbone as VllmSpec
from schemas.errors import BackboneError, InputError

# What vLLM reads from the environment: no telemetry, and few words. The user's own values win.
_ENVIRONMENT = {
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_CPU_KVCACHE_SPACE": "1",
}
# The guard finds an engine's processes by their environment, which only a spawned process has of its own.
_SPAWN = {"VLLM_WORKER_MULTIPROC_METHOD": "spawn"}
_CPU_DEFAULTS = {"dtype": "bfloat16", "enforce_eager": True, "max_num_seqs": 256}
_SHUTDOWN_S = 5.0
# Drafts at a gate leave a place in the engine's batch free; a few more in flight fill it.
_WINDOW_PER_SEQUENCE = 1.25


class VllmBackbone:
    """A model that vLLM serves inside this process, its engine in processes that never outlive it.

    `engine_args` are AsyncEngineArgs of vLLM 0.32 (docs.vllm.ai/en/latest/api/vllm/engine/arg_utils) and win over our
    defaults. A prompt that fills the context gives an empty completion with finish reason `length`. Entering raises
    InputError for a model, an argument or a chat template that cannot be used and BackboneError for an engine that
    does not start.
    """

    def __init__(self, spec: VllmSpec, label: str) -> None:
        self._spec = spec
        self._label = label
        self._numbers = itertools.count()
        self._host: EngineHost | None = None
        self._engine: Any = None
        self._template: TokenizerTemplate | None = None
        self._dead: BackboneError | None = None
        self._max_model_len = 0
        self._window = 1
        self._device = "cpu"
        self._folder_revision: str | None = None

    @property
    def name(self) -> str:
        """The model's name; of a folder only its last part, for the rest is this machine's."""
        return Path(self._spec.model).resolve().name if Path(self._spec.model).is_dir() else self._spec.model

    @property
    def revision(self) -> str | None:
        """The revision that was asked for; of a folder, once it has been entered, a digest of what is in it."""
        return self._spec.revision or self._folder_revision

    @property
    def licence(self) -> str | None:
        return self._spec.licence

    @property
    def template(self) -> ChatTemplate:
        if self._template is None:
            raise BackboneError(f"backbone {self._label} is not running; enter it first")
        return self._template

    @property
    def window(self) -> int:
        return self._window

    @property
    def device(self) -> str:
        return self._device

    @property
    def identity(self) -> None:
        return None

    async def sample(self, request: SampleRequest) -> Completion:
        if self._engine is None or self._dead is not None:
            raise self._dead or BackboneError(f"backbone {self._label} is not running; enter it first")
        prompt = list(request.prompt_token_ids)
        room = self._max_model_len - len(prompt)
        if room < 1:
            return Completion("", (), "length", len(prompt), 0)
        most = min(request.sampling.max_tokens, room)
        watching = None
        if request.watch is not None and most > request.watch_from:
            watching = Watching(request.watch, request.watch_from)
        params = _sampling_params(request, most)
        if watching is not None:
            _stream(params, request.watch_from)
        return await self._completion(prompt, self._outputs(request.id, prompt, params), watching)

    async def _completion(
        self, prompt: list[int], outputs: AsyncGenerator[Any, None], watching: Watching | None
    ) -> Completion:
        """All that the engine gives, or what there is when the watch cuts it off: closing the stream aborts the
        request in the engine."""
        text, token_ids, ended = "", [], None
        until_cut = watching.until_cut(outputs) if watching is not None else outputs
        async with contextlib.aclosing(outputs), contextlib.aclosing(until_cut):
            async for output in until_cut:
                part = output.outputs[0]
                text += part.text
                token_ids += part.token_ids
                ended = part.finish_reason
                if watching is not None and ended is None:
                    watching.show(text, len(token_ids))
        cut = watching is not None and watching.cut
        if cut:
            ended = "length"
        if ended not in {"stop", "length"}:
            raise BackboneError(f"backbone {self._label}: vLLM ended a request with {ended!r}")
        return Completion(text, tuple(token_ids), ended, len(prompt), len(token_ids), cut)

    async def _outputs(self, id_: str, prompt: list[int], params: Any) -> AsyncGenerator[Any, None]:
        from vllm.inputs import tokens_input

        # Jobs that share an engine may have drafts of the same id, so ours are numbered.
        stream = self._engine.generate(tokens_input(prompt), params, f"{next(self._numbers)}-{id_}")
        try:
            async with contextlib.aclosing(stream) as outputs:
                async for output in outputs:
                    yield output
        except (asyncio.CancelledError, GeneratorExit):
            raise
        except Exception as error:
            raise self._sampling_error(error) from error

    def _sampling_error(self, error: Exception) -> BackboneError:
        if not self._engine.errored:
            return BackboneError(f"backbone {self._label}: vLLM refused a request: {one_line(error)}")
        if self._dead is None:
            cause = (self._host and self._host.cause()) or "it was killed or crashed without a word"
            log = self._host.log if self._host else None
            self._dead = BackboneError(f"backbone {self._label}: the vLLM engine died: {cause}; its log is {log}")
        return self._dead

    async def __aenter__(self) -> Self:
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        self._template = await asyncio.to_thread(self._load_template)
        self._folder_revision = await asyncio.to_thread(self._digest)
        host = EngineHost()
        host.open()
        try:
            config = await asyncio.to_thread(self._engine_config, host)
            self._engine = await self._started(host, config)
        except BaseException as error:
            await self._end(host, keep_log=isinstance(error, BackboneError))
            raise
        self._host = host
        self._max_model_len = self._engine.model_config.max_model_len
        self._window = max(1, int(config.scheduler_config.max_num_seqs * _WINDOW_PER_SEQUENCE))
        return self

    async def _started(self, host: EngineHost, config: Any) -> Any:
        starting = asyncio.ensure_future(asyncio.to_thread(_start_engine, host, config))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            await asyncio.to_thread(host.close, keep_log=False)  # ends what is being started, and with it the start
            with contextlib.suppress(Exception):
                (await starting).shutdown()
            raise
        except Exception as error:
            cause = host.cause() or one_line(error)
            raise BackboneError(
                f"backbone {self._label}: vLLM does not start: {cause}; its log is {host.log}"
            ) from error

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        engine, self._engine = self._engine, None
        host, self._host = self._host, None
        if engine is not None:
            await asyncio.to_thread(engine.shutdown, timeout=_SHUTDOWN_S)
        if host is not None:
            await self._end(host, keep_log=self._dead is not None)

    @staticmethod
    async def _end(host: EngineHost, *, keep_log: bool) -> None:
        await asyncio.to_thread(host.close, keep_log=keep_log)
        _stop_logging_to(host.log)

    def _digest(self) -> str | None:
        folder = Path(self._spec.model)
        return folder_revision(folder) if folder.is_dir() else None

    def _load_template(self) -> TokenizerTemplate:
        args = self._spec.engine_args
        return load_template(
            args.get("tokenizer") or self._spec.model, args.get("tokenizer_revision") or self._spec.revision
        )

    def _engine_config(self, host: EngineHost) -> Any:
        """vLLM's own check of model and arguments, before any process is started."""
        _log_to(host.log)  # the import itself has something to say
        try:
            from vllm.engine.arg_utils import AsyncEngineArgs
            from vllm.platforms import current_platform
        except ImportError as error:
            raise InputError(
                f'backbone {self._label}: vLLM cannot be imported ({one_line(error)}); pip install "iturri[vllm]", '
                "or use a server: kind: openai"
            ) from error
        _log_to(host.log)  # and it has set its logging up
        known = {field.name for field in dataclasses.fields(AsyncEngineArgs)}
        for argument in self._spec.engine_args:
            if argument not in known:
                raise InputError(f"backbone {self._label}: engine_args.{argument}: vLLM has no such engine argument")
        self._device = current_platform.device_type
        arguments: dict[str, Any] = {
            **(_CPU_DEFAULTS if current_platform.is_cpu() else {}),
            "enable_prefix_caching": True,
            "disable_log_stats": True,
            "model": self._spec.model,
            "revision": self._spec.revision,
            **self._spec.engine_args,
        }
        try:
            return AsyncEngineArgs(**arguments).create_engine_config()
        except Exception as error:  # vLLM raises what pydantic, transformers and the Hub raise
            raise InputError(f"backbone {self._label}: vLLM does not take this model: {one_line(error)}") from error


def _start_engine(host: EngineHost, config: Any) -> Any:
    from vllm.v1.engine.async_llm import AsyncLLM

    with host.spawning(_SPAWN):
        engine = AsyncLLM.from_vllm_config(config, disable_log_stats=True)
    _log_to(host.log)  # the start has set vLLM's logging up anew
    return engine


def _sampling_params(request: SampleRequest, most: int) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    sampling = request.sampling
    return SamplingParams(
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k or 0,
        min_p=sampling.min_p,
        repetition_penalty=sampling.repetition_penalty,
        presence_penalty=sampling.presence_penalty,
        frequency_penalty=sampling.frequency_penalty,
        max_tokens=most,
        ignore_eos=sampling.ignore_eos,
        stop_token_ids=[] if sampling.ignore_eos else list(request.stop_token_ids),
        stop=[] if sampling.ignore_eos else list(request.stop_texts),
        output_kind=RequestOutputKind.FINAL_ONLY,
        skip_clone=True,
    )


def _stream(params: Any, interval: int) -> None:
    """Outputs of so many tokens each, or of as many as an engine argument `stream_interval` says if that is more."""
    from vllm.sampling_params import RequestOutputKind

    params.output_kind = RequestOutputKind.DELTA
    params.stream_interval = interval


def _log_to(path: Path) -> None:
    """vLLM's words in this process go where those of its engine go, and not into the terminal."""
    _stop_logging_to(path)
    logger = logging.getLogger("vllm")
    for handler in tuple(logger.handlers):
        if not isinstance(handler, logging.FileHandler):
            logger.removeHandler(handler)
    logger.addHandler(logging.FileHandler(path, encoding="utf-8"))
    logger.propagate = False


def _stop_logging_to(path: Path) -> None:
    logger = logging.getLogger("vllm")
    for handler in tuple(logger.handlers):
        if isinstance(handler, logging.FileHandler) and Path(handler.baseFilename) == path:
            logger.removeHandler(handler)
            handler.close()
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
