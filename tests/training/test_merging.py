"""Merging: the weights are those of the formulas, and models that do not fit together are refused."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from demo.model import Shape, build_model
from schemas.errors import StorageError, TrainingError
from schemas.training import StartingModel
from schemas.training_grid import MergeArm
from training import merging
from training.merging import MERGE_FILE, merge

DEMO = Path(__file__).parents[2] / "demo/iturri-demo-eu"
SHAPE = Shape(hidden=16, intermediate=24, layers=2, head_size=8, max_length=32)
Weights = dict[str, Any]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """base, corpus and chat: of one shape, with the demo backbone's tokenizer; only chat has a chat template."""
    root = tmp_path_factory.mktemp("models")
    tokenizer = AutoTokenizer.from_pretrained(DEMO)
    for seed, name in enumerate(("base", "corpus", "chat")):
        build_model(SHAPE, 4096, bos=0, eos=4, pad=5, seed=seed).save_pretrained(root / name)
        tokenizer.save_pretrained(root / name)
        if name != "chat":
            (root / name / "chat_template.jinja").unlink()
            edited = json.loads((root / name / "generation_config.json").read_text()) | {"eos_token_id": 1}
            (root / name / "generation_config.json").write_text(json.dumps(edited))
    return root


def _arm(method: str, models: list[Any], base: str | None = None) -> MergeArm:
    return MergeArm.model_validate({"name": "an-arm", "method": method, "models": models, "base": base})


def _merge(arm: MergeArm, folder: Path, speaks_like: Path | None = None) -> Weights:
    sources = [StartingModel(name=one.model) for one in arm.inputs()]
    merge(arm, sources, folder, StartingModel(name=str(speaks_like)) if speaks_like else None)
    return _weights(folder)


def _weights(folder: Path) -> Weights:
    weights: Weights = load_file(folder / "model.safetensors")
    return weights


def _close(found: Weights, wanted: Weights, tolerance: float = 1e-6) -> None:
    assert found.keys() == wanted.keys()
    for name, tensor in found.items():
        assert (tensor.double() - wanted[name].double()).abs().max() <= tolerance, name


def test_task_arithmetic_adds_the_difference_of_base_and_instructed_to_the_corpus_trained(
    models: Path, tmp_path: Path
) -> None:
    base, corpus, chat = (str(models / name) for name in ("base", "corpus", "chat"))
    found = _merge(_arm("task_arithmetic", [corpus, chat], base), tmp_path / "out")
    b, c, i = (_weights(Path(one)) for one in (base, corpus, chat))
    _close(found, {name: c[name].double() + (i[name].double() - b[name].double()) for name in b})


def test_task_arithmetic_takes_each_difference_by_its_weight(models: Path, tmp_path: Path) -> None:
    base, corpus, chat = (str(models / name) for name in ("base", "corpus", "chat"))
    arm = _arm("task_arithmetic", [{"model": corpus, "weight": 0.5}, {"model": chat, "weight": -0.25}], base)
    b, c, i = (_weights(Path(one)) for one in (base, corpus, chat))
    wanted = {name: b[name] + 0.5 * (c[name] - b[name]) - 0.25 * (i[name] - b[name]) for name in b}
    _close(_merge(arm, tmp_path / "out"), wanted)


def test_linear_is_the_mean_by_weight(models: Path, tmp_path: Path) -> None:
    names = [str(models / name) for name in ("base", "corpus", "chat")]
    arm = _arm("linear", [{"model": one, "weight": weight} for one, weight in zip(names, (1, 2, 5), strict=True)])
    b, c, i = (_weights(Path(one)) for one in names)
    _close(_merge(arm, tmp_path / "out"), {name: (b[name] + 2 * c[name] + 5 * i[name]) / 8 for name in b})


def _slerp(first: Any, second: Any, t: float) -> Any:
    """By hand, in float64."""
    a, b = first.double().flatten(), second.double().flatten()
    norms = (a.norm() or 1) * (b.norm() or 1)
    cosine = float((a @ b) / norms)
    if abs(cosine) > 0.9995:
        return (1 - t) * first.double() + t * second.double()
    angle = math.acos(cosine)
    return (math.sin((1 - t) * angle) * first.double() + math.sin(t * angle) * second.double()) / math.sin(angle)


@pytest.mark.parametrize(("weights", "t"), [((1, 1), 0.5), ((3, 1), 0.25)])
def test_slerp_goes_along_the_arc_as_far_as_the_seconds_share(
    weights: tuple[float, float], t: float, models: Path, tmp_path: Path
) -> None:
    first, second = str(models / "corpus"), str(models / "chat")
    arm = _arm("slerp", [{"model": first, "weight": weights[0]}, {"model": second, "weight": weights[1]}])
    a, b = _weights(Path(first)), _weights(Path(second))
    _close(_merge(arm, tmp_path / "out"), {name: _slerp(a[name], b[name], t) for name in a})


def test_slerp_of_parallel_opposed_and_empty_tensors_is_the_straight_line(models: Path, tmp_path: Path) -> None:
    """Where there is no arc: the same direction, the opposite one, and zeros."""
    a = _weights(models / "chat")
    b = {name: tensor * (2 if "mlp" in name else -0.5) for name, tensor in a.items()}
    norm = "model.norm.weight"
    b[norm] = torch.zeros_like(a[norm])
    shutil.copytree(models / "chat", tmp_path / "other")
    save_file(b, tmp_path / "other/model.safetensors", metadata={"format": "pt"})
    arm = _arm("slerp", [{"model": str(models / "chat"), "weight": 3}, str(tmp_path / "other")])
    found = _merge(arm, tmp_path / "out")
    # zeros have no direction: the arc to them is a right angle
    straight = {name: 0.75 * a[name] + 0.25 * b[name] for name in a if name != norm}
    _close(found, {**straight, norm: math.sin(0.75 * math.pi / 2) * a[norm]})


def test_the_demo_backbone_and_a_changed_copy_keep_their_precision(tmp_path: Path) -> None:
    """Its weights are bfloat16: the arithmetic is not, and the result is rounded once."""
    weights = _weights(DEMO)
    generator = torch.Generator().manual_seed(7)
    changed = {
        name: tensor + (0.01 * torch.randn(tensor.shape, generator=generator)).to(tensor.dtype)
        for name, tensor in weights.items()
    }
    shutil.copytree(DEMO, tmp_path / "changed")
    save_file(changed, tmp_path / "changed/model.safetensors", metadata={"format": "pt"})
    found = _merge(_arm("linear", [{"model": str(DEMO), "weight": 2}, str(tmp_path / "changed")]), tmp_path / "out")
    for name, tensor in found.items():
        wanted = ((2 * weights[name].float() + changed[name].float()) / 3).to(torch.bfloat16)
        assert tensor.dtype == torch.bfloat16
        assert torch.equal(tensor, wanted), name
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype="auto").dtype == torch.bfloat16


def test_the_result_loads_and_speaks_as_the_instructed_model_does(models: Path, tmp_path: Path) -> None:
    arm = _arm("linear", [str(models / "base"), str(models / "corpus")])
    _merge(arm, tmp_path / "out", speaks_like=models / "chat")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    assert model.generation_config.eos_token_id == [4]
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer.chat_template == AutoTokenizer.from_pretrained(models / "chat").chat_template
    report = json.loads((tmp_path / "out" / MERGE_FILE).read_text())
    assert report["speaks_like"]["model"] == "chat"
    assert [(one["model"], one["weight"]) for one in report["models"]] == [("base", 1), ("corpus", 1)]
    assert report["parameters"] == model.num_parameters()
    assert str(tmp_path) not in json.dumps(report)


def test_a_chat_template_of_the_instructed_models_own_choice_is_pinned(models: Path, tmp_path: Path) -> None:
    own = (models / "chat/chat_template.jinja").read_text() + "{# another #}"
    (tmp_path / "own.jinja").write_text(own)
    arm = _arm("linear", [str(models / "base"), str(models / "corpus")])
    speaker = StartingModel(name=str(models / "chat"), chat_template=str(tmp_path / "own.jinja"))
    merge(arm, [StartingModel(name=one.model) for one in arm.models], tmp_path / "out", speaker)
    assert (tmp_path / "out/chat_template.jinja").read_text() == own


def test_the_first_model_with_a_chat_template_is_spoken_like_where_none_is_named(models: Path, tmp_path: Path) -> None:
    _merge(_arm("linear", [str(models / "base"), str(models / "chat")]), tmp_path / "out")
    assert (tmp_path / "out/chat_template.jinja").read_text() == (models / "chat/chat_template.jinja").read_text()
    with pytest.raises(TrainingError, match="none of its models has a chat template"):
        _merge(_arm("linear", [str(models / "base"), str(models / "corpus")]), tmp_path / "mute")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_finished_merge_is_not_made_again_and_another_one_is_refused(models: Path, tmp_path: Path) -> None:
    names = [str(models / "corpus"), str(models / "chat")]
    _merge(_arm("linear", names), tmp_path / "out")
    before = (tmp_path / "out/model.safetensors").stat().st_mtime_ns
    _merge(_arm("linear", names), tmp_path / "out")
    assert (tmp_path / "out/model.safetensors").stat().st_mtime_ns == before
    with pytest.raises(TrainingError, match="holds a merge by another method"):
        _merge(_arm("slerp", names), tmp_path / "out")


def test_what_a_killed_merge_left_is_no_result(models: Path, tmp_path: Path) -> None:
    for name in ("out", ".out.part"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(b"half")
    arm = _arm("linear", [str(models / "corpus"), str(models / "chat")])
    assert _merge(arm, tmp_path / "out").keys() == _weights(models / "chat").keys()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_full_disk_leaves_nothing(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(merging, "_configure", full)
    with pytest.raises(StorageError, match=r"out: the merged model cannot be written: .*No space left"):
        _merge(_arm("linear", [str(models / "corpus"), str(models / "chat")]), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def _refusal(models: Path, other: Path, out: Path) -> str:
    with pytest.raises(TrainingError) as caught:
        _merge(_arm("linear", [str(models / "chat"), str(other)]), out)
    assert not out.exists()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_models_of_different_kinds_sizes_and_depths_are_refused(models: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(DEMO)
    for name, shape in (("wide", {"hidden": 32}), ("deep", {"layers": 3})):
        build_model(SHAPE.model_copy(update=shape), 4096, bos=0, eos=4, pad=5, seed=1).save_pretrained(tmp_path / name)
        tokenizer.save_pretrained(tmp_path / name)
    assert "embed_tokens.weight has the shape [4096, 32]" in _refusal(models, tmp_path / "wide", tmp_path / "out")
    assert "has the weights model.layers.2." in _refusal(models, tmp_path / "deep", tmp_path / "out")
    config = json.loads((tmp_path / "deep/config.json").read_text()) | {"architectures": ["MistralForCausalLM"]}
    (tmp_path / "deep/config.json").write_text(json.dumps(config))
    assert "is a MistralForCausalLM and" in _refusal(models, tmp_path / "deep", tmp_path / "out")


def test_models_of_different_vocabularies_are_refused_with_a_token(models: Path, tmp_path: Path) -> None:
    shutil.copytree(models / "base", tmp_path / "other")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "other")
    tokenizer.add_tokens(["<added>"])
    tokenizer.save_pretrained(tmp_path / "other")
    said = _refusal(models, tmp_path / "other", tmp_path / "out")
    assert "has another vocabulary than" in said
    assert "'<added>' has the id 4096, and None there" in said


def test_a_model_that_cannot_be_read_is_refused(models: Path, tmp_path: Path) -> None:
    shutil.copytree(models / "base", tmp_path / "other")
    (tmp_path / "other/model.safetensors").write_bytes(b"spoilt")
    assert "its weights cannot be read" in _refusal(models, tmp_path / "other", tmp_path / "out")
    (tmp_path / "other/model.safetensors").unlink()
    assert "has no weights in safetensors files" in _refusal(models, tmp_path / "other", tmp_path / "out")


def test_a_model_that_is_nowhere_is_named(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    said = _refusal(models, Path("no-one/nothing"), tmp_path / "out")
    assert said.startswith("arms, an-arm: there is no folder no-one/nothing here, and the Hub does not give it: ")


def test_a_folder_that_holds_no_whole_model_is_refused(models: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(models / "base", other)
    (other / "config.json").unlink()
    where = f"arms, an-arm: {other} holds"
    assert _refusal(models, other, tmp_path / "out") == f"{where} no model: there is no config.json"
    (other / "adapter_config.json").write_text("{}")
    cure = "name the folder of the merged model, model/"
    assert _refusal(models, other, tmp_path / "out") == f"{where} an adapter, not a whole model; {cure}"


def test_what_mergekit_raises_becomes_one_line(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("two\nlines")

    with merging._quiet():  # importing it warns
        monkeypatch.setattr("mergekit.merge.run_merge", fail)
    said = _refusal(models, models / "corpus", tmp_path / "out")
    assert said == "arms, an-arm: the models cannot be merged: two lines"


def test_merging_prints_nothing(models: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arm = _arm("slerp", [str(models / "corpus"), str(models / "chat")])
    merge(arm, [StartingModel(name=one.model) for one in arm.models], tmp_path / "out")
    assert capfd.readouterr() == ("", "")
