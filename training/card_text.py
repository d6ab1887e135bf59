"""What model cards are written with: the templates beside this file, and words of others made harmless in Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from schemas.names import REPO

FOLDER = "path/to/this/folder"
"""Where a reader has put the model, who has it from no Hub."""

# A path from the root on, but no address, no end tag and no fraction.
_FOLDERS = re.compile(r"(?<![\w/:.<])/(?:[\w.+@-]+/)+(?=[\w.+@-])")


@cache
def template(name: str) -> Template:
    # The card is Markdown, not HTML: escaping for HTML would spoil it. What is not ours goes through a filter below.
    environment = Environment(
        loader=PackageLoader("training", "."),
        autoescape=False,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "text": markdown_text,
        "hub": lambda name: _link(name, ""),
        "dataset": lambda name: _link(name, "datasets/"),
        "bibtex": lambda text: re.sub(r"([%#$&_])", r"\\\1", re.sub(r"[{}\\~^`]", "", _one_line(text))),
        "thousands": lambda number: f"{number:,}",
    }
    return environment.get_template(name)


def markdown_text(text: object) -> str:
    """A text that is not ours in one line of Markdown, as it is to be read: without markup, folders and what is unseen.

    Bars are escaped too, so that it fits a table's cell. A `_` within a word is no markup.
    """
    return re.sub(r"([\\`*\[\]<>|~$#!]|(?<!\w)_|_(?!\w))", r"\\\1", _FOLDERS.sub("", _one_line(text)))


def _one_line(text: object) -> str:
    """Without line breaks, and without what no one sees, such as marks that turn the direction of writing."""
    return "".join(letter for letter in " ".join(str(text).split()) if letter.isprintable())


def _link(name: str, kind: str) -> str:
    words = markdown_text(name)
    return f"[{words}](https://huggingface.co/{kind}{name})" if REPO.fullmatch(name) else words


def listed(names: Sequence[str]) -> str:
    *others, last = map(markdown_text, names)
    return f"{', '.join(others)} and {last}" if others else last


def as_yaml(value: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(value), allow_unicode=True, sort_keys=False, width=10_000)
