"""What a command says when it fails: one line, and an exit code."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

from typer.exceptions import TyperException

from schemas.errors import IturriError

_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class Failure:
    """One line for a person, and what the process exits with: 2 for bad input, 1 for everything else."""

    message: str
    exit_code: int
    kind: str


def failure(error: BaseException) -> Failure:
    """What to say about an error."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    kind = type(error).__name__
    if isinstance(error, IturriError):
        return Failure(_line(str(error)), error.exit_code, kind)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        cure = "; make room and run the same command again" if error.errno in _NO_SPACE else ""
        return Failure(_line(f"{where}{error.strerror}{cure}"), 1, kind)
    return Failure(
        _line(f"this is a bug in Iturri, please report it ({kind}: {error}); ITURRI_DEBUG=1 shows where it happened"),
        1,
        kind,
    )


def say(message: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"iturri: {message}\n")
    sys.stderr.flush()


def show_trace(error: BaseException) -> None:
    """The traceback, for those who asked for it with ITURRI_DEBUG=1."""
    if debugging():
        traceback.print_exception(error)


def debugging() -> bool:
    return os.environ.get("ITURRI_DEBUG", "") not in ("", "0")


def run(command: Callable[[], int]) -> int:
    """The exit code of a command, after one line on stderr when it failed. SIGTERM unwinds it and gives 143."""
    signal.signal(signal.SIGTERM, _terminated)
    # A script's shell has what it starts with `&` ignore SIGINT; who sends one all the same means it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = command()
        sys.stdout.flush()
    except TyperException as error:
        context = getattr(error, "ctx", None)
        usage = f"; see `{context.command_path} --help`" if context is not None else ""
        if message := _line(error.format_message()):  # none when the help has been shown instead
            say(message.rstrip(".") + usage)
        return error.exit_code
    except BrokenPipeError:
        _give_stdout_up()  # whoever read our output has gone, and that is theirs to decide
        return 1
    except Exception as error:  # noqa: BLE001 - the one place that turns what nobody foresaw into a line
        show_trace(error)
        found = failure(error)
        say(found.message)
        try:
            sys.stdout.flush()
        except OSError:
            _give_stdout_up()
        return found.exit_code
    return code


def _give_stdout_up() -> None:
    """What is still in its buffer cannot be written; Python would try again at exit, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _terminated(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _line(text: str) -> str:
    return " ".join(text.split())
