"""The cells of a grid: which variants there are, what each is trained on, and which say nothing new.

Of the 24 combinations the paper trained 17. What is known of the others, and of those that nearly equal another:

| cell  | is                                                                                                         |
|-------|------------------------------------------------------------------------------------------------------------|
| 0_000 | the untouched base; as 1_000 and 2_000 it is measured, not trained                                          |
| 0_001 | left out: nothing of it is in the language                                                                 |
| 0_100 | left out where there is a corpus-trained backbone: base + corpus is what that one is (1_000); else trained |
| 1_001 | 0_101 in two stages: the corpus first, then the instructions                                               |
| 1_010 | 0_110 in two stages                                                                                        |
| 1_011 | 0_111 in two stages                                                                                        |
| 1_100 | left out: 1_000, trained on its own corpus for longer                                                      |
| 1_101, 1_110, 1_111 | see the corpus a second time, as replay beside the instructions                              |
| 2_001 | left out: learns again what it says already, and nothing of it is in the language                          |

A cell that is left out is trained all the same where the grid, or the command, names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from schemas.training import ConversationSource, ModelPublish, StartingModel, TrainingData, TrainingRecipe
from schemas.training_grid import ALL_CELLS, BACKBONES, CellParts, TrainingGrid, parts_of


@dataclass(frozen=True)
class Cell:
    """One combination. `recipe` is None where nothing is trained: for an untouched backbone, or for want of data."""

    name: str
    model: StartingModel | None
    recipe: TrainingRecipe | None
    wanted: bool
    note: str = ""

    @property
    def untouched(self) -> bool:
        return not parts_of(self.name).trains


def grid_directory(grid: TrainingGrid) -> Path:
    """Where the runs of the grid lie."""
    return grid.output or Path("runs") / grid.name


def cells(grid: TrainingGrid) -> list[Cell]:
    """All 24 combinations, in the order of their names."""
    return [_cell(grid, name) for name in ALL_CELLS]


def recipe_of(grid: TrainingGrid, cell: str) -> TrainingRecipe:
    """The recipe of a cell that trains and for which the grid has all that it needs."""
    parts = parts_of(cell)
    taught = {grid.language: parts.language, grid.other_language: parts.other}
    languages = [grid.language] if parts.corpus or parts.language else []
    languages += [grid.other_language] if parts.other else []
    # Of what it is not taught, the rows that a variant which is taught it holds out.
    share = {"share": grid.held_out_share or None}
    untaught = _instructions(grid, [language for language, yes in taught.items() if not yes])
    return _recipe(
        grid,
        cell,
        _backbone(grid, parts),
        tuple(languages),
        TrainingData(
            conversations=_instructions(grid, [language for language, yes in taught.items() if yes]),
            corpus=grid.corpus if parts.corpus else (),
            held_out_share=grid.held_out_share,
            held_out=tuple(source.model_copy(update=share) for source in untaught) + grid.held_out,
        ),
    )


def measuring_recipe(grid: TrainingGrid, name: str, model: StartingModel) -> TrainingRecipe:
    """A recipe that names a model and all data of the grid, to measure on what is held out of it. It is not trained."""
    languages = [one for one in (grid.language, grid.other_language) if grid.instructions.get(one)]
    if grid.corpus and grid.language not in languages:
        languages.insert(0, grid.language)
    data = TrainingData(
        conversations=_instructions(grid, [grid.language, grid.other_language]),
        corpus=grid.corpus,
        held_out_share=grid.held_out_share,
        held_out=grid.held_out,
    )
    return _recipe(grid, name, model, tuple(languages), data)


def data_of(grid: TrainingGrid, cell: str) -> tuple[str, ...]:
    """What a cell is trained on: `corpus`, and the languages of the instructions."""
    parts = parts_of(cell)
    return tuple(
        words
        for words, yes in (
            ("corpus", parts.corpus),
            (grid.language, parts.language),
            (grid.other_language, parts.other),
        )
        if yes
    )


def backbone_of(grid: TrainingGrid, cell: str) -> StartingModel:
    """The model that a cell starts from, with the chat template that all variants speak."""
    return _backbone(grid, parts_of(cell))


def _cell(grid: TrainingGrid, name: str) -> Cell:
    parts = parts_of(name)
    if missing := grid.missing(name):
        return Cell(name, grid.backbones.by_digit()[parts.backbone], None, False, f"the grid has no {missing}")
    reason = _left_out(grid, name)
    wanted = reason is None if grid.cells == "all" else name in grid.cells
    recipe = recipe_of(grid, name) if parts.trains else None
    return Cell(name, _backbone(grid, parts), recipe, wanted, reason or _known(grid, name))


def _left_out(grid: TrainingGrid, name: str) -> str | None:
    """Why a cell says nothing new."""
    match name:
        case "exp_0_001":
            return f"nothing of it is in {grid.language}"
        case "exp_0_100" if grid.backbones.corpus_trained:
            return "what exp_1_000 is: base + corpus"
        case "exp_1_100":
            return "exp_1_000, trained on its own corpus for longer"
        case "exp_2_001":
            return f"learns again what it says already, and nothing in {grid.language}"
    return None


def _known(grid: TrainingGrid, name: str) -> str:
    parts = parts_of(name)
    if not parts.trains:
        return "untouched: measured, not trained"
    if parts.backbone == 1 and parts.corpus:
        return "sees the corpus a second time"
    if parts.backbone == 1:
        return f"{parts._replace(backbone=0, corpus=True).name} in two stages"
    return ""


def _backbone(grid: TrainingGrid, parts: CellParts) -> StartingModel:
    """All variants speak the instructed backbone's chat template, as the paper's do, where none is named."""
    model = grid.backbones.by_digit()[parts.backbone]
    if model is None:
        raise ValueError(f"the grid has no backbones.{BACKBONES[parts.backbone]}")
    instructed = grid.backbones.instructed
    if parts.backbone == 2 or model.chat_template or not instructed:
        return model
    return model.model_copy(update={"chat_template": instructed.chat_template or instructed.name})


def _instructions(grid: TrainingGrid, languages: list[str]) -> tuple[ConversationSource, ...]:
    return tuple(source for language in languages for source in grid.instructions.get(language, ()))


def _recipe(
    grid: TrainingGrid, name: str, model: StartingModel, languages: tuple[str, ...], data: TrainingData
) -> TrainingRecipe:
    return TrainingRecipe(
        name=name,
        model=model,
        languages=languages,
        data=data,
        method=grid.method,
        lora=grid.lora,
        context=grid.context,
        optimisation=grid.optimisation,
        machine=grid.machine,
        evaluate_every_steps=grid.evaluate_every_steps,
        checkpoints=grid.checkpoints,
        output=grid_directory(grid) / name,
        publish=ModelPublish(licence=grid.licence),
    )
