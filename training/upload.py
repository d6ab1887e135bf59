"""An adapted model to a model repository on the Hub: the weights, what loads them, the card; nothing else of a run."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import httpx2
import yaml
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, ModelInfo, constants
from huggingface_hub.utils._http import get_session
from huggingface_hub.utils.tqdm import disable_progress_bars

from schemas.errors import HubAuthError, InputError, IturriError, PublishError
from schemas.names import REPO
from training.card_metadata import ADAPTER_NAME, CARD_NAME, TAG
from training.curve import CURVE_NAME
from training.upload_errors import TOKEN_ADVICE, is_passing, translated

# What goes up of a folder, by name: weights, configurations, tokenizers, code of models that bring their own, terms.
PARTS = (
    *("*.safetensors", "*.json", "*.jinja", "additional_chat_templates/*.jinja"),
    *("*.model", "*.txt", "*.tiktoken", "*.py", CARD_NAME, CURVE_NAME, "LICEN[SC]E*", "NOTICE*", "USE_POLICY*"),
)
_TRAINERS = "trainer_state.json"
# What decides how a repository is loaded: left there from an earlier model, it would be taken for a part of this one.
_LOADED = ("*.safetensors", "*.safetensors.index.json", "config.json", ADAPTER_NAME)

_BRANCH = "main"
_WAITS_S = (1.0, 4.0, 16.0)  # before further tries; the client itself retries uploads, but no commit


def upload(run: Path, repo: str, *, private: bool, token: str | None, endpoint: str | None = None) -> str:
    """Put the model of a run, or its adapter where nothing was merged, into the model repository `repo`.

    `repo` is namespace/name, made when missing; `endpoint` is another Hub than that of HF_ENDPOINT. All goes in one
    commit, so that readers see the earlier model or this one. What is there already is not uploaded; calling again
    after a kill goes on from the files that are through, and after success commits nothing. Files that people have
    added there stay, but for the card and for weights of an earlier model. Returns the address.

    Raises, before any use of the network, InputError for what cannot be a repository, PublishError where the model is
    not whole or could not be used elsewhere, HubAuthError without a token; later HubAuthError for a token that may not
    write, HubBusyError where a later try may go through, and PublishError where the repository holds something else, is
    public though it is to be private, or the Hub refuses for good.
    """
    if not REPO.fullmatch(repo):
        raise InputError(f"{repo!r} is no repository of the form namespace/name, such as your-name/your-model")
    folder = _folder_of(run)
    files = _files(folder)
    api = HfApi(endpoint=endpoint.rstrip("/") if endpoint else None, token=_usable(token))
    # The client waits without end for a Hub that has gone silent; large commits take it minutes.
    get_session().timeout = httpx2.Timeout(connect=30, read=300, write=60, pool=None)
    constants.HF_HUB_DISABLE_TELEMETRY = True
    if constants.HF_HUB_DISABLE_PROGRESS_BARS is None:
        disable_progress_bars()  # they would land in a log; who wants them sets the variable to 0
    for wait in (*_WAITS_S, None):
        try:
            _put(api, repo, folder, files, private)
            break
        except IturriError:
            raise
        except Exception as error:
            if wait is None or not is_passing(error):
                raise translated(error, repo) from error
            time.sleep(wait)
    return f"{api.endpoint}/{repo}"


def _folder_of(run: Path) -> Path:
    """The model's folder, or else the adapter's. Raises PublishError unless it is whole, with a card of ours."""
    folder = next((run / name for name in ("model", "adapter") if (run / name).is_dir()), None)
    if folder is None:
        raise PublishError(f"{run} holds no model yet; train to the end first, `iturri train` goes on where it stopped")
    config = ADAPTER_NAME if folder.name == "adapter" else "config.json"
    needed = {config, CARD_NAME, *_shards(folder)}
    missing = sorted(name for name in needed if not (folder / name).is_file())
    if missing or not any(folder.glob("*.safetensors")):
        what = missing[0] if missing else "a file of weights (.safetensors)"
        raise PublishError(f"{folder} lacks {what}; run the training again, it writes what is missing")
    if not is_ours((folder / CARD_NAME).read_text(encoding="utf-8")):
        raise PublishError(f"{folder / CARD_NAME} is not the card of the run; run the training again, which writes it")
    if config == ADAPTER_NAME:
        _refuse_local_base(folder / ADAPTER_NAME)
    return folder


def _shards(folder: Path) -> set[str]:
    """The files that an index of weights names."""
    indices = folder.glob("*.safetensors.index.json")
    return {name for index in indices for name in _json(index).get("weight_map", {}).values()}


def _refuse_local_base(config: Path) -> None:
    base = str(_json(config).get("base_model_name_or_path") or "")
    if not REPO.fullmatch(base) or Path(base).is_dir():
        raise PublishError(
            f"{config} names the base model by a folder of this machine, which nobody else has; write its name on the"
            " Hub there, as base_model_name_or_path, or train with lora.merge"
        )


def _json(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_bytes())
    except ValueError as error:
        raise PublishError(f"{path} is damaged; run the training again, which writes it") from error
    return found


def _files(folder: Path) -> dict[str, Path]:
    """Path in the repository -> the file. Checkpoints, optimizer states and data are none of it."""
    found = {str(path.relative_to(folder)): path for pattern in PARTS for path in sorted(folder.glob(pattern))}
    return {
        name: path
        for name, path in sorted(found.items())
        if path.is_file() and name != _TRAINERS and not name.startswith(".")
    }


def _put(api: HfApi, repo: str, folder: Path, files: dict[str, Path], private: bool) -> None:
    """One try, from a look at what is there. The client leaves out what the Hub's preupload says it has already."""
    api.create_repo(repo, private=private, exist_ok=True)
    info = api.model_info(repo, revision=_BRANCH)
    if private and not info.private:
        raise PublishError(
            f"{repo} is public already, but a private model is asked for; make it private on the Hub, or choose another"
            " repository"
        )
    there = _names(info)
    _refuse_strangers(api, repo, there)
    stale = [name for name in there if name not in files and any(fnmatchcase(name, part) for part in _LOADED)]
    api.create_commit(
        repo,
        [
            *(CommitOperationAdd(path_in_repo=name, path_or_fileobj=path) for name, path in files.items()),
            *(CommitOperationDelete(path_in_repo=name, is_folder=False) for name in stale if "/" not in name),
        ],
        commit_message=f"Add the {folder.name} with Iturri",
        revision=_BRANCH,
        parent_commit=info.sha,  # fails with 412 when others have committed since; then it is looked at anew
    )
    left_out = set(files) - set(_names(api.model_info(repo, revision=_BRANCH)))
    if left_out:
        raise PublishError(f"{repo} still lacks {min(left_out)}; look for a .gitignore there that names it")


def _names(info: ModelInfo) -> list[str]:
    return [file.rfilename for file in info.siblings or ()]


def _refuse_strangers(api: HfApi, repo: str, there: Iterable[str]) -> None:
    """Raises PublishError for a repository with files and without a card of ours: it is another's work."""
    strange = [name for name in there if not name.startswith((".", "LICENSE")) and name != CARD_NAME]
    if not strange:
        return
    if CARD_NAME in there:
        with tempfile.TemporaryDirectory() as scratch:
            card = api.hf_hub_download(repo, CARD_NAME, revision=_BRANCH, local_dir=scratch)
            if is_ours(Path(card).read_text(encoding="utf-8", errors="replace")):
                return
    raise PublishError(f"{repo} holds {strange[0]}, which is of no run of Iturri; choose another repository")


def is_ours(card: str) -> bool:
    """Whether a card's metadata has the tag that all of ours have."""
    front = re.match(r"---\r?\n(.*?)\r?\n---", card, re.DOTALL)
    try:
        data = yaml.safe_load(front[1]) if front else None
    except yaml.YAMLError:
        return False
    return isinstance(data, dict) and TAG in (data.get("tags") or ())


def _usable(token: str | None) -> str:
    """The token without stray blanks. One that no header can carry is refused here: the client would quote it."""
    token = (token or "").strip()
    if not token:
        raise HubAuthError(f"no Hub token; {TOKEN_ADVICE}")
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise HubAuthError(f"the Hub token has characters that no token has; {TOKEN_ADVICE}")
    return token
