"""The folder of a filter run: kept and dropped rows in sealed parts, and the report that lists them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from filelock import FileLock, Timeout
from pydantic import ValidationError

from pipeline.filtering.block import KINDS, PartKind
from pipeline.filtering.files import FoundFiles
from pipeline.fingerprint import decisive_references, differing_fields, without_left_out
from publishers.atomic import is_leftover, write_bytes
from publishers.shard import write_table
from schemas.errors import InputError, StorageError
from schemas.filter_report import FilterOrder, FilterPart, FilterReport
from schemas.problems import first_problem

REPORT_NAME = "report.json"
LOCK_NAME = "filter.lock"
_PART = re.compile(r"part-\d{5,}\.parquet")
_DIFFERENCES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class FilterDirectory:
    """Where the results of one run lie. `report.json` is the truth: what it does not list has not happened."""

    path: Path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder's lock; it ends with the process. Raises InputError when another run holds it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / LOCK_NAME, blocking=False, thread_local=False)
            lock.acquire()
        except Timeout as error:
            raise InputError(
                f"--out: {self.path} is in use by another run; wait for it or stop it, or choose another folder"
            ) from error
        except OSError as error:
            raise StorageError(f"{self.path} cannot be written: {error.strerror or error}") from error
        try:
            yield
        finally:
            lock.release()

    def refuse_place(self, found: FoundFiles) -> None:
        """Raises InputError when this is no place for a run over these files. Nothing is written before."""
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"--out: {self.path} is no folder; choose another one")
        here, given = self.path.resolve(), Path(found.about.given)
        if found.about.repository is None:
            places = [Path(file.place).resolve() for file in found.files]
            inside = given.is_dir() and (given.resolve() == here or given.resolve() in here.parents)
            if inside or any(here in place.parents for place in places):
                raise InputError(f"--out: {self.path} and the input {given} overlap; choose a folder of its own")
        if self.path.is_dir() and not (self.path / REPORT_NAME).exists():
            strangers = sorted(one.name for one in self.path.iterdir() if not _is_ours(one))
            if strangers:
                raise InputError(
                    f"--out: {self.path} holds {strangers[0]} and no {REPORT_NAME}; choose an empty folder"
                )

    def report(self) -> FilterReport | None:
        """What earlier runs have done. Raises InputError when it cannot be understood, StorageError."""
        path = self.path / REPORT_NAME
        try:
            return FilterReport.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror or error}") from error
        except ValidationError as error:
            problem = ": ".join(filter(None, first_problem(error)))
            raise InputError(
                f"--out: {path} is no report of a filter run ({problem}); choose another folder"
            ) from error

    def check(self, ours: FilterOrder, theirs: FilterReport) -> None:
        """Raises InputError when they are not the same run, StorageError when a sealed part is not there whole."""
        left, right = _decisive(theirs), _decisive(ours)
        if differing := differing_fields(left, right):
            differing.sort(key=lambda name: name.count("."))  # a revision says more than the files that follow from it
            shown = [f"{name} was {_at(left, name)}, is {_at(right, name)}" for name in differing]
            more = [f"and {len(shown) - _DIFFERENCES_SHOWN} more"] if len(shown) > _DIFFERENCES_SHOWN else []
            raise InputError(
                f"--out: {self.path} holds another run: {', '.join(shown[:_DIFFERENCES_SHOWN] + more)}; "
                "choose another folder, or put back what differs"
            )
        for part in theirs.parts:
            self._check_part(part)

    def clear_leftovers(self, report: FilterReport) -> None:
        """Remove the parts that a run wrote and did not get to list."""
        listed = {part.path for part in report.parts}
        for kind in KINDS:
            for path in (self.path / kind).glob("*"):
                unlisted = _PART.fullmatch(path.name) and f"{kind}/{path.name}" not in listed
                if unlisted or is_leftover(path):
                    path.unlink()

    def write_part(self, kind: PartKind, number: int, table: pa.Table) -> FilterPart:
        """Seal a part. Raises StorageError."""
        name = f"{kind}/part-{number:05d}.parquet"
        size, sha256 = write_table(table, self.path / name)
        return FilterPart(path=name, rows=table.num_rows, bytes=size, sha256=sha256)

    def commit(self, report: FilterReport) -> None:
        """From here on the report is what has happened. Raises StorageError."""
        write_bytes(
            self.path / REPORT_NAME, (report.model_dump_json(indent=2, exclude_computed_fields=True) + "\n").encode()
        )

    def _check_part(self, part: FilterPart) -> None:
        path = self.path / part.path
        try:
            size = path.stat().st_size
        except OSError as error:
            raise StorageError(f"{path} cannot be read: {error.strerror}; put it back") from error
        if size != part.bytes:
            raise StorageError(f"{path} has {size} bytes and not {part.bytes}; put the sealed file back")


def _is_ours(path: Path) -> bool:
    return path.name == LOCK_NAME or path.name.startswith(".")


def _decisive(order: FilterOrder) -> dict[str, Any]:
    """The fields of an order. How the user wrote the input down, and where datasets and embedders lie, do not count."""
    fields = without_left_out(order.model_dump(mode="json", include=set(FilterOrder.model_fields) - {"against"}))
    fields["filters"]["duplicates"]["against"] = decisive_references(order.against)
    return {**fields, "input": {name: value for name, value in fields["input"].items() if name != "given"}}


def _at(fields: Any, path: str) -> str:
    """The value at a path, as differing_fields writes it."""
    for step in path.split("."):
        try:
            fields = fields[int(step)] if isinstance(fields, list) else fields.get(step)
        except (IndexError, AttributeError):
            return "not there"
    return json.dumps(fields, ensure_ascii=False)
