"""Who may do what on the tests' Hub."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.hub_answers import RefusalError
from tests.support.hub_store import Repository

NAMESPACE = "euskaltzaleak"
WRITE_TOKEN = "hf_thisOneMayWrite"
READ_TOKEN = "hf_thisOneMayOnlyRead"
OTHER_TOKEN = "hf_thisOneIsAnotherUsers"


@dataclass(frozen=True, slots=True)
class Account:
    """The user of a token, and whether the token may write."""

    user: str
    writes: bool


ACCOUNTS = {
    WRITE_TOKEN: Account(NAMESPACE, writes=True),
    READ_TOKEN: Account(NAMESPACE, writes=False),
    OTHER_TOKEN: Account("beste-bat", writes=True),
}


def account(token: str | None) -> Account:
    """Raises RefusalError (401) for a token that is none."""
    if token is None or token not in ACCOUNTS:
        raise RefusalError(401, "Invalid username or password.")
    return ACCOUNTS[token]


def check_write(token: str | None, namespace: str) -> None:
    """Raises RefusalError (401, 403) unless the token may write into the namespace."""
    who = account(token)
    if not who.writes or who.user != namespace:
        raise RefusalError(403, "You don't have the rights to create a dataset under this namespace")


def check_read(token: str | None, repo: str, repository: Repository | None) -> Repository:
    """The repository, as far as the token may know of it. Raises RefusalError (401, 403, 404).

    Of a private repository that is not theirs, others hear that it does not exist.
    """
    if token is not None:
        account(token)
    ours = token is not None and ACCOUNTS[token].user == repo.split("/", maxsplit=1)[0]
    if repository is None or (repository.private and not ours):
        raise RefusalError(401 if token is None else 404, "Repository not found", "RepoNotFound")
    if repository.disabled:
        raise RefusalError(403, "Access to this resource is disabled.")
    return repository


def check_gate(token: str | None, repo: str, repository: Repository) -> None:
    """Raises RefusalError (401, 403) when the repository is gated and the token has no access to its files."""
    if repository.gated and token not in repository.granted:
        message = (
            f"Access to dataset {repo} is restricted. You must have access to it and be authenticated to access it."
        )
        raise RefusalError(401 if token is None else 403, message, "GatedRepo")
