"""Settings: from the environment, one line when wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.backbones import VllmBackbone
from schemas.errors import RecipeError, SettingsError
from schemas.filters import Filters
from schemas.settings import Settings, declared_backbones, declared_embedders, read_settings, with_embedder


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITURRI_WORKERS", "many")
    with pytest.raises(SettingsError, match=r"^ITURRI_WORKERS: "):
        read_settings()


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITURRI_API_KEY", "very-secret-indeed")
    monkeypatch.setenv("ITURRI_DATABASE_URL", "postgresql://user:very-secret@host/db")
    assert "very-secret" not in repr(read_settings())


def test_a_model_folder_is_looked_for_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    path = tmp_path / "backbones.yaml"
    path.write_text("small: {kind: vllm, model: model}\nhub: {kind: vllm, model: some/model}\n", encoding="utf-8")
    declared = declared_backbones(Settings(backbones=path))
    small, hub = declared["small"], declared["hub"]
    assert isinstance(small, VllmBackbone)
    assert small.model == str((tmp_path / "model").resolve())
    assert hub.model == "some/model" if isinstance(hub, VllmBackbone) else False


def test_embedders_are_declared_beside_backbones(tmp_path: Path) -> None:
    path = tmp_path / "backbones.yaml"
    embedder = "{kind: embeddings, model: m, endpoints: ['http://127.0.0.1:1/v1/']}"
    path.write_text(f"small: {{kind: vllm, model: model}}\nbektoreak: {embedder}\n", encoding="utf-8")
    settings = Settings(backbones=path)
    assert list(declared_backbones(settings)) == ["small"]
    (spec,) = declared_embedders(settings).values()
    assert spec.endpoints == ("http://127.0.0.1:1/v1",)
    named, whole = (
        Filters.model_validate({"duplicates": {"semantic": {"embedder": it}}}) for it in ("bektoreak", spec)
    )
    assert with_embedder(named, settings) == with_embedder(whole, settings) == whole
    assert with_embedder(Filters(), Settings()) == Filters()
    for name in ("small", "besteak"):
        unknown = Filters.model_validate({"duplicates": {"semantic": {"embedder": name}}})
        with pytest.raises(RecipeError, match=rf"embedder: there is no embedder named '{name}' \(known: bektoreak\)"):
            with_embedder(unknown, settings)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("small: {kind: vllm}", "small.vllm.model: this field is required"),
        ("small: {kind: vllm, model: m, colour: red}", "there is no such field"),
        ("Big One: {kind: vllm, model: m}", "Big One"),
        ("a: [", "cannot be read"),
        ("- 1", "must be a mapping of fields"),
    ],
)
def test_a_wrong_declaration_is_one_line(tmp_path: Path, content: str, line: str) -> None:
    path = tmp_path / "backbones.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        declared_backbones(Settings(backbones=path))
    assert line in str(caught.value)
    assert "ITURRI_BACKBONES" in str(caught.value)


def test_no_file_declared_and_none_there(tmp_path: Path) -> None:
    assert declared_backbones(Settings()) == {}
    with pytest.raises(SettingsError, match="cannot be read"):
        declared_backbones(Settings(backbones=tmp_path / "none.yaml"))


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITURRI_API_KEY", "")
    monkeypatch.setenv("ITURRI_BUILDS", "")
    settings = read_settings()
    assert settings.api_key is None
    assert settings.builds == Path("builds")


def test_the_page_of_settings_has_them_all() -> None:
    page = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    for name in Settings.model_fields:
        assert f"`ITURRI_{name.upper()}`" in page
