"""`iturri recipe check --server`: a server tries recipes out, and says what they would cost."""

from __future__ import annotations

from pathlib import Path

from cli import consoles, figures
from cli.check_results import CheckResults
from cli.remote import asking
from cli.shown import print_conversation
from schemas.dry_run import DryDraft, DryRun
from schemas.errors import IturriError
from schemas.reading import read_recipe
from schemas.verdict import Drop


def run(server: str, files: list[Path], *, as_json: bool) -> int:
    """Per recipe a line with the estimate, and its drafts; what is wrong goes to stderr. The exit code.

    That is the one of the first error.
    """
    results = CheckResults(as_json)
    console = consoles.out()
    with asking(server) as client:
        for file in files:
            try:
                found = client.dry_run(read_recipe(file))
            except IturriError as error:
                results.bad(file, error)
                continue
            results.good(file, {"dry_run": found.model_dump(mode="json")}, f"{file}: OK; {_estimate(found)}")
            for number, draft in enumerate(found.drafts if not as_json else (), 1):
                print_conversation(console, _title(number, draft), draft.messages)
    return results.finish()


def _estimate(found: DryRun) -> str:
    target = found.recipe.get("target", {}).get("conversations", 0)
    accepted = sum(draft.accepted for draft in found.drafts)
    drafts = f"{accepted} of {len(found.drafts)} drafts accepted"
    if found.estimate is None:
        return f"{drafts}; no estimate: {found.no_estimate or 'nothing was accepted'}"
    earlier = f" and {found.builds} builds like it" if found.builds else ""
    whose = (
        "as builds on this backbone have measured"
        if found.measured == "jobs"
        else "as these drafts had it; a build, which fills the backbone, is faster"
    )
    return (
        f"{drafts}; {target:,} conversations take about {found.estimate.tokens:,} tokens "
        f"({figures.per_accepted(found.tokens_per_accepted)} each, by these drafts{earlier}) "
        f"and {figures.duration(found.estimate.seconds)} at {found.tokens_per_second or 0:,.0f} tokens/s, {whose}"
    )


def _title(number: int, draft: DryDraft) -> str:
    what = f"{draft.mode}, {draft.tokens:,} tokens"
    if not isinstance(draft.verdict, Drop):
        return f"draft {number}: accepted ({what})"
    where = "" if draft.verdict.turn is None else f", turn {draft.verdict.turn}"
    return f"draft {number}: {draft.verdict.reason} at {draft.gate}{where}: {draft.verdict.evidence} ({what})"
