"""YAML as people write it: what safe_load takes without a word, or fails on with another error, is a YAMLError here."""

from __future__ import annotations

import io
from collections.abc import Hashable
from typing import Any

import yaml


def parse_yaml(text: str, name: str) -> Any:
    """The value of a YAML or JSON document, which errors call `name`.

    Raises yaml.YAMLError, also for a key that is there twice.
    """
    try:
        return yaml.load(_Named(text, name), _Loader)  # noqa: S506 - a SafeLoader
    except RecursionError as error:
        raise yaml.YAMLError("it is nested too deeply") from error
    except ValueError as error:  # a date that is none, a number of thousands of digits
        raise yaml.YAMLError(str(error)) from error


class _Named(io.StringIO):
    """Of what is read from a stream YAML's errors tell the name; text alone is called a unicode string."""

    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.name = name


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    line = key.start_mark.line + 1
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is there twice, line {line}")
                seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_text(self, node: yaml.ScalarNode) -> str:
        """JSON writes characters beyond U+FFFF as two escapes, which YAML leaves as two halves."""
        value: str = self.construct_scalar(node)
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le")


_Loader.add_constructor("tag:yaml.org,2002:str", _Loader.construct_text)
