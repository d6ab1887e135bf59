"""`iturri show`: the funnel, the shards, and what was kept or dropped."""

from __future__ import annotations

from cli.machine import build_folder, machine_settings
from cli.shown import ShownBuild, check_reason, print_build
from cli.steering import ranked
from pipeline.reader import BuildReader


def run(build: str, *, dropped: bool, reason: str | None, number: int, steering: bool, as_json: bool) -> int:
    """Show a build. Raises BuildDirectoryError, and InputError for a reason that nothing was dropped for."""
    folder = build_folder(build, machine_settings())
    reader = BuildReader(folder)
    recipe, funnel, manifest = reader.recipe(), reader.funnel(), reader.manifest()
    check_reason(reason, funnel)
    complete = manifest is not None and manifest.complete
    shown = ShownBuild(
        name=recipe.name,
        place=str(folder),
        complete=complete,
        state="complete" if complete else "not complete",
        dry=recipe.filters.dry,
        funnel=funnel,
        shards=() if manifest is None else manifest.shards,
        accepted=[] if dropped or not number else reader.accepted(limit=number),
        dropped=reader.dropped(reason, limit=number) if dropped and number else [],
        arms=ranked(reader.arms()) if steering else None,
    )
    print_build(shown, as_json)
    return 0
