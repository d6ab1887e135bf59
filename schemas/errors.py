"""The errors of Iturri, all in one tree.

IturriError                     a failure; exit code 1
├── InputError                  bad input, the user's to mend; exit code 2
│   ├── RecipeError             a recipe that cannot be read or makes no sense
│   ├── LanguageError           an unknown language, or a pack that is incomplete
│   ├── TemplateError           a tokenizer without a usable chat template
│   ├── SettingsError           a wrong setting of this machine
│   └── BuildDirectoryError     a directory of another recipe, or in use by another run
├── BackboneError               the backbone cannot be reached, or died
├── EmbedderError               the embedder cannot be reached, or gives no vectors that can be used
├── LedgerError                 the ledger cannot be read or written
│   └── EpochLostError          another run has taken this build over
├── StorageError                the disk is full or cannot be written
├── BuildError                  a build that cannot reach its target
│   └── ProcessDiedError        one of its processes has died; it goes on when it is run again
├── DatasetError                a dataset that cannot be read or filtered to its end
├── PublishError                a publication that cannot be finished
│   ├── HubAuthError            no Hub token, or one without the right
│   └── HubBusyError            the Hub is busy or cannot be reached; a later try may go through
├── TrainingError               a training run that cannot go on
├── ServiceError                the service cannot do what was asked
└── ClientError                 a server cannot be reached, refuses, or answers what no server of ours would
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.problem_details import FieldProblem

__all__ = [
    "BackboneError",
    "BuildDirectoryError",
    "BuildError",
    "ClientError",
    "DatasetError",
    "EmbedderError",
    "EpochLostError",
    "HubAuthError",
    "HubBusyError",
    "InputError",
    "IturriError",
    "LanguageError",
    "LedgerError",
    "ProcessDiedError",
    "PublishError",
    "RecipeError",
    "ServiceError",
    "SettingsError",
    "StorageError",
    "TemplateError",
    "TrainingError",
]


class IturriError(Exception):
    """The root: one clear line that says what happened and what to do."""

    exit_code = 1


class InputError(IturriError):
    """Bad input."""

    exit_code = 2


class RecipeError(InputError):
    """A recipe that cannot be read or makes no sense."""


class LanguageError(InputError):
    """An unknown language, or a pack that is incomplete."""


class TemplateError(InputError):
    """A tokenizer without a usable chat template."""


class SettingsError(InputError):
    """A wrong setting of this machine."""


class BuildDirectoryError(InputError):
    """A directory of another recipe, or in use by another run."""


class BackboneError(IturriError):
    """The backbone cannot be reached, or died."""


class EmbedderError(IturriError):
    """The embedder cannot be reached, or gives no vectors that can be used."""


class LedgerError(IturriError):
    """The ledger cannot be read or written."""


class EpochLostError(LedgerError):
    """Another run has taken this build over."""


class StorageError(IturriError):
    """The disk is full or cannot be written."""


class BuildError(IturriError):
    """A build that cannot reach its target."""


class ProcessDiedError(BuildError):
    """A process of a build or a publication has died; what it was for goes on when it is run again."""


class DatasetError(IturriError):
    """A dataset that cannot be read or filtered to its end."""


class PublishError(IturriError):
    """A publication that cannot be finished."""


class HubAuthError(PublishError):
    """No Hub token, or one without the right."""


class HubBusyError(PublishError):
    """The Hub is busy or cannot be reached; a later try may go through."""


class TrainingError(IturriError):
    """A training run that cannot go on."""


class ServiceError(IturriError):
    """The service cannot do what was asked."""


class ClientError(IturriError):
    """A server cannot be reached, refuses a request, or gives an answer that is none of a server of ours.

    `status`, `detail` and `errors` (the fields) are those of the problem details; `status` is None without an answer.
    A refusal that is the caller's to mend (4xx) has exit code 2; one that passes by itself (408, 429) has 1.
    """

    def __init__(
        self, message: str, status: int | None = None, detail: str = "", errors: tuple[FieldProblem, ...] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.exit_code = 2 if status is not None and 400 <= status < 500 and status not in (408, 429) else 1
