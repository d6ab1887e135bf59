"""Runs a grid: each variant a run of its own, one after the other, then what is merged.

What has finished is not done again, so the same command goes on where the last one stopped. One that fails is told in
the table, and the others go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from schemas.errors import IturriError, RecipeError, TrainingError
from schemas.training import StartingModel, TrainingRecipe
from schemas.training_grid import ALL_CELLS, MergeArm, TrainingGrid, parts_of
from schemas.training_grid_report import GridRow, GridTable, MeasuredReport
from schemas.training_report import HeldOutLoss, TrainingReport
from training import merge_card
from training.grid import backbone_of, cells, grid_directory, measuring_recipe, recipe_of
from training.merge_card import Merged
from training.merging import merge, refuse_another_arm
from training.model import base_licence
from training.run_directory import MODEL, REPORT, differences, measured, recipe_of_run
from training.shown_name import shown_name
from training.table import Trouble, table_of, write_table
from training.whole_file import write_whole

Train = Callable[[TrainingRecipe, Path], TrainingReport]
Measure = Callable[[TrainingRecipe, Path], tuple[HeldOutLoss, ...]]
Told = Callable[[str, GridRow | None], None]

# The data of all that is measured and not trained, in the grid's folder.
MEASURED = "measured"


def run_grid(
    grid: TrainingGrid,
    train: Train,
    measure: Measure,
    *,
    directory: Path | None = None,
    only: Sequence[str] = (),
    told: Told = lambda _name, _row: None,
) -> GridTable:
    """Run what is wanted of a grid, or what `only` names; return its table, which also lies in the grid's folder.

    `train` trains a recipe in a directory, in a process of its own, and goes on where that was stopped. `measure` gives
    the held-out losses of a recipe's model without training it; it keeps its data in the folder that it is given, which
    is the same for all, as their data are. `told` hears of each variant when it begins, with None,
    and when it is done with, its row. Raises RecipeError for a name that the grid does not have, and, before anything
    is trained, for a variant that was run with another recipe.
    """
    directory = directory or grid_directory(grid)
    wanted = wanted_names(grid, only)
    for name in wanted:
        _refuse_another(grid, name, directory / name)
    trouble: dict[str, Trouble] = {}
    for name in wanted:
        if not (directory / name / REPORT).is_file():
            told(name, None)
            try:
                if lacking := next(_unfinished(grid, name, directory), None):
                    trouble[name] = Trouble("not run", f"needs {lacking}, which has not finished")
                else:
                    _run(grid, name, directory, train, measure)
            except IturriError as error:
                trouble[name] = Trouble("failed", str(error))
        table = table_of(grid, directory, trouble)
        write_table(table, directory)
        told(name, next(row for row in table.rows if row.name == name))
    return table


def wanted_names(grid: TrainingGrid, only: Sequence[str] = ()) -> list[str]:
    """The cells and arms to run, in their order. Raises RecipeError for a name that the grid does not have."""
    every = [*ALL_CELLS, *(arm.name for arm in grid.arms)]
    for name in only:
        if name not in every:
            near = get_close_matches(name, every, 1)
            raise RecipeError(f"{name} is no variant of {grid.name}" + (f"; did you mean {near[0]}?" if near else ""))
        if name in ALL_CELLS and (missing := grid.missing(name)):
            raise RecipeError(f"{name} needs {missing}, which {grid.name} does not name")
    if only:
        return [name for name in every if name in only]
    return [cell.name for cell in cells(grid) if cell.wanted] + [arm.name for arm in grid.arms]


def _run(grid: TrainingGrid, name: str, directory: Path, train: Train, measure: Measure) -> None:
    run = directory / name
    if _trains(name):
        train(recipe_of(grid, name), run)
        return
    arm = _arm(grid, name)
    models = _models(grid, arm, directory) if arm else []
    merged = merge(arm, models, run / MODEL, grid.backbones.instructed) if arm else None
    recipe = _measuring(grid, name, run)
    losses = measure(recipe, directory / MEASURED)
    if arm and merged:
        went_in = [
            Merged(one.model if _trains(one.model) else shown_name(model.name), base_licence(model))
            for one, model in zip(arm.inputs(), models, strict=True)
        ]
        merge_card.write(merged, recipe, losses, went_in, run / MODEL)
    report = MeasuredReport(recipe=recipe.model_dump(mode="json"), merge=merged, losses=losses)
    write_whole(run / REPORT, (report.model_dump_json(indent=2) + "\n").encode())


def _models(grid: TrainingGrid, arm: MergeArm, directory: Path) -> list[StartingModel]:
    """Where the models that are merged lie. Raises TrainingError for a cell that left only an adapter."""
    models = []
    for one in arm.inputs():
        if _trains(one.model):
            model = StartingModel(name=str(directory / one.model / MODEL))
            if not Path(model.name).is_dir():
                raise TrainingError(f"{one.model} has no whole model in {model.name}; train it with lora.merge: true")
        elif one.model in ALL_CELLS:
            model = backbone_of(grid, one.model)
        else:
            model = StartingModel(name=one.model, revision=one.revision)
        models.append(model)
    return models


def _unfinished(grid: TrainingGrid, name: str, directory: Path) -> Iterator[str]:
    """The cells that an arm needs and that have not finished."""
    arm = _arm(grid, name)
    for one in arm.inputs() if arm else ():
        if _trains(one.model) and not (directory / one.model / REPORT).is_file():
            yield one.model


def _refuse_another(grid: TrainingGrid, name: str, run: Path) -> None:
    """What lies in a variant's directory must be of its recipe."""
    merge_report = None
    if _trains(name):
        ours, theirs = recipe_of(grid, name), recipe_of_run(run)
    else:
        report = measured(run)
        ours, theirs = _measuring(grid, name, run), report.recipe if report else None
        merge_report = report.merge if report else None
    if theirs is None:
        return
    differing = differences(theirs, ours.model_dump(mode="json"))
    if merge_report and (arm := _arm(grid, name)):
        refuse_another_arm(merge_report, arm, run)
        # Of a merge the model is a path, which may be written otherwise.
        differing = [field for field in differing if field.partition(".")[0] != "model"]
    if differing:
        raise RecipeError(
            f"{name} was run with another recipe: it differs in {', '.join(differing)}; change it back, remove {run}, "
            "or give the grid another output"
        )


def _measuring(grid: TrainingGrid, name: str, run: Path) -> TrainingRecipe:
    model = StartingModel(name=str(run / MODEL)) if _arm(grid, name) else backbone_of(grid, name)
    return measuring_recipe(grid, name, model)


def _arm(grid: TrainingGrid, name: str) -> MergeArm | None:
    return next((arm for arm in grid.arms if arm.name == name), None)


def _trains(name: str) -> bool:
    return name in ALL_CELLS and parts_of(name).trains
