"""What a training recipe would do, as tables."""

from __future__ import annotations

from rich.table import Table

from cli import consoles, figures
from cli.failures import say
from schemas.training_report import SourceCount, TrainingPlan


def show(plan: TrainingPlan) -> None:
    """The sources with what of them is left out, the languages, the steps; warnings on stderr."""
    for warning in plan.warnings:
        say(f"warning: {warning}")
    console = consoles.out()
    table = Table(title=f"{plan.name}: {plan.model}", title_justify="left")
    for heading in ("source", "what", "language"):
        table.add_column(heading, overflow="fold")
    for heading in ("weight", "read", "held out", "in an epoch", "tokens", "learnt"):
        table.add_column(heading, justify="right")
    table.add_column("left out", overflow="fold")
    for source in plan.sources:
        table.add_row(
            source.source,
            source.mode or source.kind,
            source.language,
            f"{source.weight:g}",
            *(
                f"{count:,}"
                for count in (source.read, source.held_out, source.trained, source.tokens, source.loss_tokens)
            ),
            _left_out(source),
        )
    console.print(table)
    for cost in plan.languages:
        console.print(
            f"{cost.language}: {cost.tokens_per_word:.2f} tokens a word, {cost.bytes_per_token:.2f} bytes a token",
            markup=False,
        )
    held = ", ".join(f"{name} {count:,}" for name, count in plan.held_out.items()) or "nothing"
    packing = plan.packing
    console.print(f"held out: {held}", markup=False)
    console.print(
        f"{figures.counted(packing.sequences, 'sequence')} in {figures.counted(packing.packs, 'pack')}, "
        f"{figures.percent(packing.fill)} full; {figures.counted(plan.steps, 'step')}, {plan.tokens:,} tokens",
        markup=False,
    )


def _left_out(source: SourceCount) -> str:
    told = [f"{reason} {count:,}" for reason, count in source.dropped.items()]
    return ", ".join([*told, *([f"{source.truncated:,} truncated"] if source.truncated else [])])
