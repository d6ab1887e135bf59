"""The grid: the paper's variants, from one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.errors import RecipeError
from schemas.problems import first_problem
from schemas.reading import read_training_grid
from schemas.training_grid import ALL_CELLS, TrainingGrid
from training.grid import cells, measuring_recipe, recipe_of

ROOT = Path(__file__).parents[2]
BASE, LATXA, INSTRUCT = "meta-llama/Llama-3.1-8B", "HiTZ/Latxa-Llama-3.1-8B", "meta-llama/Llama-3.1-8B-Instruct"
# The 17 configurations in model_training/train_configs of hitz-zentroa/latxa-instruct: backbone, corpus, eu, en.
PAPER = {
    "exp_0_010": (BASE, False, True, False),
    "exp_0_011": (BASE, False, True, True),
    "exp_0_101": (BASE, True, False, True),
    "exp_0_110": (BASE, True, True, False),
    "exp_0_111": (BASE, True, True, True),
    "exp_1_001": (LATXA, False, False, True),
    "exp_1_010": (LATXA, False, True, False),
    "exp_1_011": (LATXA, False, True, True),
    "exp_1_101": (LATXA, True, False, True),
    "exp_1_110": (LATXA, True, True, False),
    "exp_1_111": (LATXA, True, True, True),
    "exp_2_010": (INSTRUCT, False, True, False),
    "exp_2_011": (INSTRUCT, False, True, True),
    "exp_2_100": (INSTRUCT, True, False, False),
    "exp_2_101": (INSTRUCT, True, False, True),
    "exp_2_110": (INSTRUCT, True, True, False),
    "exp_2_111": (INSTRUCT, True, True, True),
}


def _grid(**changes: Any) -> TrainingGrid:
    fields = {
        "name": "g",
        "language": "eu",
        "backbones": {"base": "a/base", "corpus_trained": "a/corpus", "instructed": "a/chat"},
        "corpus": [{"source": "corpus.txt", "language": "eu"}],
        "instructions": {"eu": [{"source": "a/data"}], "en": [{"source": "a/data", "modes": ["magpie"]}]},
    }
    return TrainingGrid.model_validate({**fields, **changes})


def _problem(**changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        _grid(**changes)
    where, what = first_problem(caught.value)
    return f"{where}: {what}" if where else what


def test_the_papers_grid_expands_to_its_17_trained_variants_and_their_data() -> None:
    grid = read_training_grid(ROOT / "recipes/paper-grid.yaml")
    trained = {cell.name: cell.recipe for cell in cells(grid) if cell.wanted and cell.recipe}
    assert {
        name: (
            recipe.model.name,
            bool(recipe.data.corpus),
            *(any(language in one.languages for one in recipe.data.conversations) for language in ("eu", "en")),
        )
        for name, recipe in trained.items()
    } == PAPER
    for name, recipe in trained.items():
        assert recipe.model.chat_template == (None if name.startswith("exp_2") else INSTRUCT)
        assert len(recipe.data.corpus) in (0, 7)
        assert [one.modes for one in recipe.data.conversations if one.languages == ("eu",)] in ([], [("translation",)])
        assert [one.modes for one in recipe.data.conversations if one.languages == ("en",)] in ([], [("magpie",)])


def test_the_papers_grid_has_the_papers_configuration() -> None:
    recipe = recipe_of(read_training_grid(ROOT / "recipes/paper-grid.yaml"), "exp_2_101")
    assert recipe.optimisation == type(recipe.optimisation)()
    assert (recipe.method, recipe.context.max_length, recipe.context.packing) == ("full", 8192, True)
    assert recipe.publish.licence == "llama3.1"


def test_all_24_combinations_are_known_and_those_left_out_say_why() -> None:
    found = {cell.name: cell for cell in cells(_grid())}
    assert tuple(found) == ALL_CELLS
    untouched = {name for name, cell in found.items() if cell.untouched}
    assert untouched == {"exp_0_000", "exp_1_000", "exp_2_000"}
    assert all(found[name].wanted and found[name].recipe is None for name in untouched)
    left_out = {name: cell.note for name, cell in found.items() if not cell.wanted}
    assert left_out.keys() == {"exp_0_001", "exp_0_100", "exp_1_100", "exp_2_001"}
    assert all(left_out.values())
    assert "exp_1_000" in left_out["exp_0_100"]


def test_a_variant_that_nearly_equals_another_names_it() -> None:
    notes = {cell.name: cell.note for cell in cells(_grid())}
    assert notes["exp_1_011"].startswith("exp_0_111 in two stages")
    assert "second time" in notes["exp_1_101"]


def test_base_and_corpus_are_trained_where_no_corpus_trained_backbone_is_named() -> None:
    found = {cell.name: cell for cell in cells(_grid(backbones={"base": "a/base", "instructed": "a/chat"}))}
    assert found["exp_0_100"].wanted
    assert not found["exp_1_111"].wanted
    assert found["exp_1_111"].note == "the grid has no backbones.corpus_trained"


def test_a_cell_that_is_left_out_is_trained_where_it_is_named() -> None:
    wanted = [cell for cell in cells(_grid(cells=["exp_2_001"])) if cell.wanted]
    assert [cell.name for cell in wanted] == ["exp_2_001"]
    assert wanted[0].recipe is not None


def test_every_variant_is_evaluated_on_the_instructions_that_it_is_not_taught() -> None:
    grid = _grid(held_out=[{"source": "a/other", "languages": ["es"]}])
    for name in ALL_CELLS:
        if name[-3:] == "000":
            continue
        data = recipe_of(grid, name).data
        seen = [one.languages for one in (*data.conversations, *data.held_out)]
        assert sorted(seen) == [("en",), ("es",), ("eu",)]
        shares = {one.languages: one.share for one in data.held_out}
        assert shares.pop(("es",)) is None
        assert set(shares.values()) <= {0.02}, "the rows that are held out where they are taught"
    measured = measuring_recipe(grid, "exp_2_000", recipe_of(grid, "exp_2_101").model)
    assert measured.languages == ("eu", "en")
    assert len(measured.data.conversations) == 2


def test_a_backbones_own_choice_of_chat_template_is_kept() -> None:
    grid = _grid(backbones={"base": {"name": "a/base", "chat_template": "own.jinja"}, "instructed": "a/chat"})
    assert recipe_of(grid, "exp_0_111").model.chat_template == "own.jinja"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"backbones": {}}, "backbones: name at least one of base, corpus_trained, instructed"),
        ({"backbones": {"instruct": "a/chat"}}, "backbones.instruct: there is no such field; did you mean instructed?"),
        ({"other_language": "eu"}, "other_language: it is the language itself, eu"),
        ({"corpus": [{"source": "x", "language": "en"}]}, "corpus.0.language: en is not the grid's, eu"),
        ({"instructions": {"es": [{"source": "x"}]}}, "instructions.es: the grid's languages are eu and en"),
        (
            {"instructions": {"eu": [{"source": "x", "languages": ["en"]}]}},
            "instructions.eu.0.languages: what is listed under eu is read in it; leave this out",
        ),
        (
            {"instructions": {"eu": [{"source": "x", "share": 0.5}]}},
            "instructions.eu.0.share: only sources of held_out have one; to train on fewer rows, set rows or weight",
        ),
        ({"corpus": [], "instructions": {}}, "there is nothing to train on: name a corpus, instructions, or both"),
        ({"cells": "some"}, "cells: 'some' is neither `all` nor a list of names such as exp_2_101"),
        ({"cells": ["exp_3_111"]}, "cells: 'exp_3_111' is no name of a variant; those are exp_0_000 to exp_2_111"),
        ({"cells": ["exp_0_111", "exp_0_111"]}, "cells.1: exp_0_111 is named twice"),
        ({"cells": ["exp_2_101"], "corpus": []}, "cells.0: exp_2_101 needs corpus, which the grid does not name"),
        (
            {"arms": [{"name": "a", "method": "linear", "models": ["exp_1_000", "exp_0_100"]}], "corpus": []},
            "arms.0: exp_0_100 needs corpus, which the grid does not name",
        ),
        (
            {"arms": [{"name": "a", "method": "task_arithmetic", "models": ["exp_1_000"]}]},
            "arms.0: base: task_arithmetic needs the model that the differences are taken from",
        ),
        (
            {"arms": [{"name": "a", "method": "slerp", "models": ["exp_1_000"]}]},
            "arms.0: models: slerp is between two models, not 1",
        ),
        (
            {"arms": [{"name": "a", "method": "linear", "models": ["exp_1_000", "exp_1_000"]}]},
            "arms.0: models: exp_1_000 is named twice",
        ),
        (
            {"arms": [{"name": "a", "method": "linear", "models": ["x/y", {"model": "x/z", "weight": 0}]}]},
            "arms.0: models.1.weight: linear needs weights above 0",
        ),
        (
            {"arms": [{"name": "exp_2_100", "method": "linear", "models": ["x/y", "x/z"]}]},
            "arms.0.name: 'exp_2_100' could be taken for a cell or a file of the grid; choose another",
        ),
    ],
)
def test_a_grid_that_makes_no_sense_is_refused_in_a_line_that_names_the_field(
    changes: dict[str, Any], said: str
) -> None:
    assert _problem(**changes) == said


def test_a_file_that_is_no_grid_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text("- name: g\n")
    with pytest.raises(RecipeError, match=r"grid.yaml: a training grid is a mapping of fields"):
        read_training_grid(path)
    path.write_text("name: g\nlanguage: eu\nbackbones: {base: a/b}\nmethods: full\n")
    with pytest.raises(RecipeError, match=r"grid.yaml: methods: there is no such field; did you mean method\?"):
        read_training_grid(path)
