"""What libraries write of their own accord, kept off the user's terminal."""

from __future__ import annotations

import io
import logging
import os
import sys
import warnings
from typing import Final, TextIO

from cli.failures import debugging
from schemas.settings import Settings

_ROOMS: Final = ("languages", "generators", "filters", "publishers", "pipeline", "service", "training")
_QUIET: Final = {
    "VLLM_LOGGING_LEVEL": "ERROR",
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    # Engines that are ended from outside leave semaphores and shared memory, which the tracker of multiprocessing, a
    # process of its own, removes and warns of.
    "PYTHONWARNINGS": "ignore::UserWarning:multiprocessing.resource_tracker",
}
_NO_TELEMETRY: Final = {
    "VLLM_NO_USAGE_STATS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}


def mend_streams() -> None:
    """What was closed before the start swallows what is written to it; what an encoding lacks is written escaped."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - it stays open as long as the process


def quieten() -> None:
    """Set what libraries read when they are first imported. What the user has set stays."""
    for name, value in (_NO_TELEMETRY if debugging() else {**_NO_TELEMETRY, **_QUIET}).items():
        os.environ.setdefault(name, value)
    if not debugging():
        warnings.simplefilter("ignore")


def log_to_stderr(settings: Settings, handler: logging.Handler | None = None) -> None:
    """Our own log at the machine's level, in its format; of libraries errors, or warnings too with ITURRI_DEBUG=1."""
    from service.logs import formatter

    handler = handler or logging.StreamHandler()
    handler.setFormatter(formatter(settings.log_format))
    handler.addFilter(_wanted)
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for room in _ROOMS:
        logging.getLogger(room).setLevel(settings.log_level.upper())


def _wanted(record: logging.LogRecord) -> bool:
    """Libraries set the levels of their own loggers, so that what they say is judged here."""
    ours = record.name.partition(".")[0] in _ROOMS
    return ours or record.levelno >= (logging.WARNING if debugging() else logging.ERROR)
