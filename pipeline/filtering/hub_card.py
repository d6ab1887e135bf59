"""What a dataset on the Hub says of where its files lie: only its own may be read.

Whoever owns a dataset writes its card, and `datasets` looks where that says, in any folder of this machine and at any
address, before it finds that this is none of the dataset's. So the card is read first, at the commit that is then read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from huggingface_hub import DatasetCard, HfApi
from huggingface_hub.errors import LocalEntryNotFoundError, RemoteEntryNotFoundError

from schemas.errors import InputError

_CARD, _STANDALONE = "README.md", ".huggingface.yaml"


def pinned(repository: str, revision: str | None) -> str:
    """The commit of the revision, the main branch's when None. Raises InputError, and errors of the Hub's client."""
    api = HfApi()
    commit = api.dataset_info(repository, revision=revision).sha
    if commit is None:
        raise InputError(f"{repository}: the Hub names no commit of it")
    for name in (_CARD, _STANDALONE):
        try:
            path = Path(api.hf_hub_download(repository, name, repo_type="dataset", revision=commit))
        except RemoteEntryNotFoundError:
            continue
        except LocalEntryNotFoundError as error:  # what the client makes of a network that is away
            raise ConnectionError(f"the Hub does not give {name}: {error}") from error
        for place in _places(_metadata(path)):
            if _foreign(place):
                raise InputError(f"{repository}: its {name} names files that are not its own, {place!r}; none is read")
    return commit


def _metadata(path: Path) -> Any:
    if path.name == _CARD:
        return DatasetCard.load(path).data.to_dict()
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _places(metadata: Any) -> Iterator[str]:
    configs = metadata.get("configs") if isinstance(metadata, dict) else None
    for config in configs if isinstance(configs, list) else [configs]:
        if isinstance(config, dict):
            yield from _texts([config.get("data_files"), config.get("data_dir")])


def _texts(value: Any) -> Iterator[str]:
    """All strings in it, however deep; names of splits and fields too, which do no harm."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _foreign(place: str) -> bool:
    """Whether `datasets` would look for it elsewhere than in the repository."""
    parts = place.replace("\\", "/").split("/")
    return "::" in place or bool(urlsplit(place).scheme) or place.startswith("/") or ".." in parts
