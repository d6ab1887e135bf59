"""`make train-demo`: the loop closed. The demo backbone is trained on what Iturri built with it, and builds again.

Every step is a command that a user would give, in a process of its own.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from demo import texts
from demo.measure import Conversation, Seen, copies, read_conversations

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".iturri" / "train-demo"
RUN = ROOT / "runs" / "train-demo"
BUILDS = WORK / "builds"
DECLARED = ROOT / "demo" / "backbones.yaml"
RECIPE = Path("recipes/demo-fuller.yaml")
TRAINING = Path("recipes/train-demo.yaml")
DOCUMENTS = 340  # of which a tenth is held out
# Both backbones are compared on a seed by which no setting was chosen, and on as many accepted conversations, since
# repeats grow with these; drained, for otherwise the longest of the last drafts would be missing.
COMPARED = {"seed": 5381, "target": {"conversations": 450, "max_drafts": 4000, "drain": True}}
_Z = 1.96

console = Console(soft_wrap=True)


class AdaptError(Exception):
    """A step failed, or the loop did not hold what it promises."""


class Side:
    """What one of the two backbones gave under the recipe."""

    def __init__(self, name: str, funnel: dict[str, Any], trained_on: Seen) -> None:
        self.accepted, self.drafts = funnel["accepted"], funnel["drafts"]
        self.tokens: float = funnel["tokens_per_accepted"]
        self.reasons: Counter[str] = Counter()
        for row in funnel["rows"]:
            self.reasons[row["reason"]] += row["drafts"]
        del self.reasons["accepted"]
        self.conversations: list[Conversation] = read_conversations(BUILDS / name / "data")
        self.copies = copies(self.conversations, trained_on)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % of the acceptance (Wilson, 1927)."""
        share, n = self.accepted / self.drafts, self.drafts
        middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n)) / (1 + _Z**2 / n)
        return middle - half, middle + half


def main() -> int:
    started = time.monotonic()
    try:
        publication = _publication()
        _lay_out(publication)
        before, report, after = _loop()
        sides = _sides(publication, before, after)
        _show(*sides, report)
        _check(*sides, report)
    except (AdaptError, OSError) as error:
        console.print(f"train-demo: {error}", style="bold red", markup=False)
        return 1
    console.print(f"\nTrained on   {publication.relative_to(ROOT)}, with {TRAINING}")
    console.print(f"Model        {(RUN / 'model').relative_to(ROOT)}")
    console.print(f"Done in {time.monotonic() - started:.0f} s.", style="bold green")
    return 0


def _publication() -> Path:
    """The newest publication of `make demo`, which is made where there is none."""
    found = _publications()
    if not found:
        console.print("There is no publication of the demo yet: making one, as [bold]make demo[/] does ...")
        _run([sys.executable, "-m", "demo.run"])
        found = _publications()
    return found[-1]


def _publications() -> list[Path]:
    cards = (ROOT / "publications").glob("demo-*/README.md")
    return [card.parent for card in sorted(cards, key=lambda card: card.stat().st_mtime)]


def _lay_out(publication: Path) -> None:
    """All that the recipes name, begun anew."""
    shutil.rmtree(WORK, ignore_errors=True)
    shutil.rmtree(RUN, ignore_errors=True)
    WORK.mkdir(parents=True)
    shutil.copytree(publication, WORK / "publication")
    texts.write(WORK / "corpus.jsonl", DOCUMENTS, seed=33)
    for name, changes in (
        ("before", {"name": "before", **COMPARED}),
        ("after", {"name": "after", **COMPARED}),
    ):
        recipe = yaml.safe_load((ROOT / RECIPE).read_text(encoding="utf-8")) | changes
        (WORK / f"{name}.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    declared = yaml.safe_load(DECLARED.read_text(encoding="utf-8"))
    declared["demo"]["model"] = str(RUN / "model")
    (WORK / "backbones.yaml").write_text(yaml.safe_dump(declared), encoding="utf-8")


def _loop() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Build, train, put the model back as the backbone, build; the funnels and the report between them."""
    built = _build(DECLARED, RECIPE, WORK / "before.yaml")
    # One thread: two wait for each other at every operation, which on a busy machine costs up to ten times the speed.
    report = json.loads(_iturri("train", str(TRAINING), "--json", OMP_NUM_THREADS="1"))
    return built["before"], report, _build(WORK / "backbones.yaml", WORK / "after.yaml")["after"]


def _build(declared: Path, *recipes: Path) -> dict[str, Any]:
    """The funnel of each recipe, by its name."""
    told = _iturri("build", *map(str, recipes), "--backbones", str(declared), "--json")
    return {result["name"]: result["funnel"] for result in json.loads(told)["results"]}


def _iturri(*arguments: str, **variables: str) -> str:
    return _run([str(Path(sys.executable).with_name("iturri")), *arguments], capture=True, **variables)


def _run(command: Sequence[str], *, capture: bool = False, **variables: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ITURRI_")}
    environment = {**kept, "ITURRI_BUILDS": str(BUILDS), "HF_HUB_OFFLINE": "1", **variables}
    told = [word.removeprefix(f"{ROOT}/") for word in command[1:]]
    if capture:
        console.print(f"\n$ iturri {' '.join(told)}", style="bold", markup=False, highlight=False)
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE if capture else None, text=True, check=False
    )
    if done.returncode:
        raise AdaptError(f"{' '.join(told)} ended with {done.returncode}")
    return done.stdout or ""


def _sides(publication: Path, before: dict[str, Any], after: dict[str, Any]) -> tuple[Side, Side]:
    trained_on = Seen([*read_conversations(publication / "data"), *read_conversations(BUILDS / "demo-fuller" / "data")])
    return Side("before", before, trained_on), Side("after", after, trained_on)


def _show(before: Side, after: Side, report: dict[str, Any]) -> None:
    table = Table(title=f"{RECIPE} under a new seed", title_justify="left")
    table.add_column("")
    for heading in ("before", "after"):
        table.add_column(heading, justify="right")
    same = min(len(before.conversations), len(after.conversations))
    table.add_row("drafts", *(f"{side.drafts}" for side in (before, after)))
    table.add_row("accepted", *(f"{side.accepted / side.drafts:.1%}" for side in (before, after)))
    table.add_row("  95 % interval", *("{:.1%} to {:.1%}".format(*side.interval) for side in (before, after)))
    table.add_row("generated tokens per accepted", *(f"{side.tokens:.1f}" for side in (before, after)))
    for name, least in (("one exchange", 2), ("two", 4), ("three", 6)):
        counts = (sum(len(turns) == least for turns in side.conversations) for side in (before, after))
        table.add_row(f"accepted with {name}", *map(str, counts))
    table.add_row(f"distinct-2 of {same} accepted", *(f"{_distinct(side, same):.3f}" for side in (before, after)))
    for key, label in (
        ("copied_conversations", "copies of what was trained on"),
        ("share_of_long_replies_copied", "long replies that are copies"),
    ):
        form = "{:.1%}" if key.startswith("share") else "{}"
        table.add_row(label, *(form.format(side.copies[key]) for side in (before, after)))
    for reason in sorted(before.reasons | after.reasons, key=lambda name: -before.reasons[name]):
        table.add_row(f"dropped: {reason}", str(before.reasons[reason]), str(after.reasons[reason]))
    console.print()
    console.print(table)
    table = Table(title="Held-out loss, nats per token", title_justify="left")
    for heading in ("set", "sequences", "before", "after", "change"):
        table.add_column(heading, justify="left" if heading == "set" else "right")
    for loss in report["losses"]:
        change = loss["after"] - loss["before"]
        losses = (f"{loss['before']:.4f}", f"{loss['after']:.4f}", f"{change:+.4f}")
        table.add_row(loss["name"], str(loss["sequences"]), *losses)
    console.print(table)
    console.print(f"{report['steps']} steps, {report['tokens']:,} tokens, {report['seconds']:.0f} s of training")


def _distinct(side: Side, conversations: int) -> float:
    """Different word 2-grams by all of them; of as many conversations on both sides, for it falls as they grow."""
    turns = [turn.split() for talk in side.conversations[:conversations] for turn in talk]
    pairs = [pair for words in turns for pair in pairwise(words)]
    return len(set(pairs)) / max(1, len(pairs))


def _check(before: Side, after: Side, report: dict[str, Any]) -> None:
    """Raises AdaptError for a promise that was not kept."""
    losses = {loss["name"]: loss for loss in report["losses"]}
    basque = losses["conversations-eu"]
    if basque["after"] >= basque["before"]:
        raise AdaptError(
            f"the held-out loss on Basque conversations rose from {basque['before']:.4f} to {basque['after']:.4f}"
        )
    if _z(before, after) < _Z:
        raise AdaptError(
            f"acceptance went from {before.accepted / before.drafts:.1%} to {after.accepted / after.drafts:.1%}, which"
            " may be chance"
        )


def _z(before: Side, after: Side) -> float:
    """The rise of the acceptance in standard errors: the test of two proportions, pooled."""
    pooled = (before.accepted + after.accepted) / (before.drafts + after.drafts)
    error = math.sqrt(pooled * (1 - pooled) * (1 / before.drafts + 1 / after.drafts))
    return (after.accepted / after.drafts - before.accepted / before.drafts) / error


if __name__ == "__main__":
    sys.exit(main())
