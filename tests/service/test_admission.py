"""Which recipes a server takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from languages.creation import create_pack
from schemas.settings import Settings
from service.admission import EXAMPLE, SubmittedRecipe, admit
from service.problems import ProblemError
from tests.support.made_up_language import CODE, NAME, sentences


def test_a_language_whose_pack_is_not_translated_is_refused(tmp_path: Path) -> None:
    create_pack(tmp_path, CODE, NAME, None, sentences(300))
    settings = Settings(languages=tmp_path)
    assert admit(SubmittedRecipe.model_validate(EXAMPLE), settings, ("demo",)).language == "eu"
    with pytest.raises(ProblemError) as caught:
        admit(SubmittedRecipe.model_validate({**EXAMPLE, "language": CODE}), settings, ("demo",))
    assert "'xx' is not complete" in str(caught.value.detail)
