"""A pack made from a corpus, and one whose statistics are counted anew."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from languages import creation
from languages.completeness import gaps, untranslated
from languages.creation import Creation, create_pack, renew_pack
from languages.detectors import open_detector
from languages.loader import load_pack
from languages.measuring import measure
from languages.pack import ModeTexts
from schemas.errors import InputError, LanguageError, StorageError
from tests.support.made_up_language import CODE, NAME, sentences

LINES = sentences(1500)
OTHERS = ["En otoño los días son más cortos.", "In autumn the leaves fall from the trees."]
FILES = ["pack.yaml", "profile.json", "words.tsv"]


def create(packs: Path) -> Creation:
    return create_pack(packs, CODE, NAME, "Zhaxoq", LINES)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_a_pack_is_made_and_tells_its_language_from_others(tmp_path: Path) -> None:
    made = create(tmp_path / "packs")
    assert [path.name for path in made.files] == sorted(content(tmp_path / "packs" / CODE)) == FILES
    pack = load_pack(CODE, tmp_path / "packs")
    assert made.pack == pack
    assert (pack.name, pack.native_name, pack.unseen_limit) == (NAME, "Zhaxoq", made.unseen_limit)
    for name in ("arbitrated", "langdetect", "py3langid", "both"):
        detector = open_detector(name, CODE, pack.profile, pack.words)
        ours = measure(CODE, detector, sentences(200, seed=2))
        assert ours.long.taken / ours.long.lines > 0.98
        theirs = measure(
            CODE, detector, ["En otoño los días son más cortos.", "In autumn the leaves fall from the trees."]
        )
        assert theirs.long.taken == 0


def test_the_same_corpus_gives_the_same_pack(tmp_path: Path) -> None:
    create(tmp_path / "one")
    create(tmp_path / "two")
    assert content(tmp_path / "one" / CODE) == content(tmp_path / "two" / CODE)


def test_what_the_corpus_cannot_say_waits_for_a_speaker(tmp_path: Path) -> None:
    made = create(tmp_path)
    assert untranslated(made.pack) == (
        "steering.system_prompts",
        "steering.topic_prompts",
        "steering.examples_heading",
        "steering.reply_prompts",
        "steering.topics",
        *(f"modes.{field}" for field in ModeTexts.model_fields),
        "markers.user",
        "markers.assistant",
        "markers.system",
        "markers.question",
        "markers.answer",
        "markers.input",
        "markers.output",
        "markers.step",
    )


def test_what_waits_for_a_speaker_is_about_the_language_and_in_its_place(tmp_path: Path) -> None:
    made = create(tmp_path).pack
    prompts = (*made.steering.system_prompts, *(text for _, texts in made.modes for text in texts))
    assert not any("English" in text for text in prompts)
    assert all(NAME in text for text in prompts)
    found = gaps(made)
    assert found
    assert all("to translate" in gap.what for gap in found if gap.field.startswith(("modes.", "markers.")))


def test_every_field_of_the_pack_has_a_comment(tmp_path: Path) -> None:
    lines = create(tmp_path).files[0].read_text(encoding="utf-8").splitlines()
    before = ""
    for line in lines:
        if (line[:1].isalpha() and line not in ("steering:", "modes:")) or (
            line[:2] == "  " and line[2:3].isalpha() and ":" in line
        ):
            assert before.lstrip().startswith("#") or line.startswith(("code:", "words:", "markers:")), line
        before = line


@pytest.mark.parametrize("there", ["folder", "file"])
def test_a_pack_that_is_there_is_left_alone(tmp_path: Path, there: str) -> None:
    path = tmp_path / CODE
    path.mkdir() if there == "folder" else path.touch()
    with pytest.raises(InputError, match=f"{CODE} is there already: give --update"):
        create(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_corpus_that_is_too_small_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--corpus"):
        create_pack(tmp_path / "packs", CODE, NAME, None, LINES[:20])
    assert not (tmp_path / "packs").exists()


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_disk_that_refuses_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int) -> None:
    monkeypatch.setattr(creation, "_write", failing_after(written))
    with pytest.raises(StorageError, match="cannot be written: No space left"):
        create(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"--out: .*file.* cannot be written: Not a directory"):
        create(tmp_path / "file")


def test_an_update_counts_anew_and_leaves_the_texts_alone(tmp_path: Path) -> None:
    create(tmp_path)
    path = tmp_path / CODE / "pack.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("TRANSLATE: art", "zhaq"), encoding="utf-8")
    before = content(tmp_path / CODE)
    made = renew_pack(tmp_path, CODE, LINES[:500])
    after = content(tmp_path / CODE)
    assert sorted(after) == FILES
    assert after["pack.yaml"] == before["pack.yaml"]
    assert after["profile.json"] == made.learnt.profile.encode() != before["profile.json"]
    assert after["words.tsv"] == made.learnt.words.dump().encode() != before["words.tsv"]
    assert made.unseen_limit > 0
    renew_pack(tmp_path, CODE, LINES)
    assert content(tmp_path / CODE) == before


def test_an_update_makes_what_is_missing_under_the_pack_s_own_names(tmp_path: Path) -> None:
    path = create(tmp_path).files[0]
    fields = yaml.safe_load(path.read_text(encoding="utf-8")) | {"profile": "mine.json", "words": "mine.tsv"}
    path.write_text(yaml.safe_dump(fields), encoding="utf-8")
    for name in FILES[1:]:
        path.with_name(name).unlink()
    with pytest.raises(LanguageError, match="missing"):
        load_pack(CODE, tmp_path)
    made = renew_pack(tmp_path, CODE, LINES)
    assert (made.pack.profile, made.pack.words) == (path.with_name("mine.json"), path.with_name("mine.tsv"))
    assert sorted(content(tmp_path / CODE)) == ["mine.json", "mine.tsv", "pack.yaml"]


@pytest.mark.parametrize("written", [0, 1])
def test_an_update_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int) -> None:
    create(tmp_path)
    before = content(tmp_path / CODE)
    monkeypatch.setattr(creation, "_write", failing_after(written))
    with pytest.raises(StorageError, match="No space left"):
        renew_pack(tmp_path, CODE, LINES[:500])
    assert content(tmp_path / CODE) == before


def test_there_must_be_something_to_update(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--update: there is no .*pack\.yaml: leave --update out"):
        renew_pack(tmp_path, CODE, LINES)
    (tmp_path / CODE).mkdir()
    (tmp_path / CODE / "pack.yaml").write_text("code: [", encoding="utf-8")
    with pytest.raises(LanguageError, match="no valid YAML"):
        renew_pack(tmp_path, CODE, LINES)


def failing_after(count: int) -> object:
    """Stands in for creation._write: the disk is full after so many files."""
    write = creation._write

    def failing(folder: Path, files: dict[str, str]) -> None:
        write(folder, dict(list(files.items())[:count]))
        raise OSError(28, "No space left on device")

    return failing
