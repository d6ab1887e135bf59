"""`iturri language new`, `check` and `list`, and what an untranslated pack can and cannot do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.language import NewPack, new
from tests.support.cli_command import iturri, one_line, write_recipe
from tests.support.made_up_language import CODE, NAME, gibberish, sentences

SPANISH = [
    "En otoño los días son más cortos.",
    "Los árboles pierden sus hojas cuando llega el frío.",
    "Mi hermana trabaja en la biblioteca del pueblo.",
    "¿Dónde está la estación?",
]
WHO = ["Nire laguna", "Gure irakaslea", "Zure osaba"]
PLACES = [f"{name} herrian" for name in ("gure", "beste", "aldameneko", "urruneko", "mendiko", "itsasoko", "amaren")]
MANNERS = ["familiarekin", "bakarrik", "pozik", "orain", "oraindik", "urte askotan", "bere etxean", "lasai", "atzotik"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with corpus.txt, es.txt and packs/xx, as `iturri language new` has made it from the first."""
    folder = tmp_path_factory.mktemp("made")
    lines = [*sentences(1500), "Short.", *SPANISH, "In autumn the leaves fall from the trees."]
    (folder / "corpus.txt").write_text("\n".join(lines), encoding="utf-8")
    (folder / "es.txt").write_text("\n".join(SPANISH), encoding="utf-8")
    done = iturri("language", "new", CODE, "--name", NAME, "--corpus", "corpus.txt", "--out", "packs", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "said.txt").write_text(done.stdout, encoding="utf-8")
    return folder


def test_it_says_what_it_made_and_of_what(made: Path) -> None:
    first, *files, last = (made / "said.txt").read_text(encoding="utf-8").splitlines()
    assert first.startswith("packs/xx: learnt from 1,5")
    assert first.endswith("left out: 1 short, 4 foreign (es 3, en 1)")
    assert [line.split()[0] for line in files] == ["pack.yaml", "profile.json", "words.tsv"]
    assert (
        last
        == "set ITURRI_LANGUAGES=packs; complete packs/xx/pack.yaml: `iturri language check xx` says what is missing"
    )


def test_little_text_is_warned_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "few.txt").write_text("\n".join(sentences(200)), encoding="utf-8")
    (tmp_path / "none.txt").write_text("\n".join(gibberish(8, seed) for seed in range(150)), encoding="utf-8")
    for file, warned in (("few.txt", "gibberish is told badly"), ("none.txt", "it will not be dropped")):
        packs = tmp_path / file.partition(".")[0]
        assert new(NewPack(CODE, NAME, None, (tmp_path / file,), packs, update=False)) == 0
        assert warned in one_line(capsys.readouterr().err)


def test_the_wrong_text_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    basque = [f"{who} {where} bizi da {how}." for who in WHO for where in PLACES for how in MANNERS]
    spanish = [f"Mi amigo {number} vive en la ciudad con su familia." for number in range(2 * len(basque))]
    (tmp_path / "corpus.txt").write_text("\n".join(basque + spanish), encoding="utf-8")
    assert new(NewPack("eu", "Basque", None, (tmp_path / "corpus.txt",), tmp_path / "packs", update=False)) == 0
    assert "--corpus: most of its lines are not in 'eu'" in capsys.readouterr().err


def test_many_files_may_follow_the_option(tmp_path: Path) -> None:
    for number, lines in enumerate((sentences(300), sentences(300, seed=2))):
        (tmp_path / f"{number}.txt").write_text("\n".join(lines), encoding="utf-8")
    done = iturri("language", "new", CODE, "--name", NAME, "--out", "packs", "--corpus", "0.txt", "1.txt", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "learnt from 600 lines" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), ("--out", "ITURRI_LANGUAGES")),
        (("--out", "p"), ("--name", "Asturian")),
        (("--out", "p", "--name", "a\nb"), ("--name", "one line")),
        (("--out", "p", "--name", 'a"b'), ("--name", "quotation marks")),
        (("--out", "p", "--name", " "), ("--name",)),
        (("--out", "p", "--name", "X", "--native-name", "a\\"), ("--native-name", "backslashes")),
        (("--out", "p", "--name", "X"), ("--corpus", "at least one file")),
        (("--out", "p", "--name", "X", "--corpus", "gone.txt"), ("--corpus", "gone.txt", "No such file")),
        (("--out", "p", "--name", "X", "--corpus", "empty.txt"), ("--corpus", "0 characters", "5,000")),
        (("--out", "p", "--name", "X", "--corpus", "bytes"), ("--corpus", "bytes, line 1", "NUL")),
        (
            ("--out", "p", "--name", "X", "--corpus", "latin1.txt"),
            ("--corpus", "latin1.txt, line 1", "not UTF-8", "iconv"),
        ),
        (("--out", "p", "--name", "X", "--corpus", "."), ("--corpus", "Is a directory")),
        (("--out", "p", "--update", "--name", "X"), ("--name", "--update")),
        (("--out", "p", "--update", "--corpus", "empty.txt"), ("--update", "p/xx/pack.yaml")),
    ],
)
def test_bad_input_is_one_line_that_names_the_option(
    tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "bytes").write_bytes(b"\x7fELF\0\0")
    (tmp_path / "latin1.txt").write_bytes("café".encode("latin-1"))
    before = sorted(tmp_path.iterdir())
    done = iturri("language", "new", CODE, *arguments, cwd=tmp_path)
    line = one_line(done.stderr)
    assert done.returncode == 2
    assert done.stdout == ""
    assert all(word in line for word in words), line
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("code", ["X", "english", "../xx", "", "xx/yy", "e1"])
def test_the_code_is_checked_first(tmp_path: Path, code: str) -> None:
    done = iturri("language", "new", code, "--name", "X", "--out", "packs", cwd=tmp_path)
    assert done.returncode == 2
    assert one_line(done.stderr).startswith(f"iturri: CODE: {code!r} is no language code")


def test_a_pack_is_not_made_twice_but_can_be_updated(made: Path, tmp_path: Path) -> None:
    again = iturri(
        "language", "new", CODE, "--name", NAME, "--corpus", "corpus.txt", cwd=made, ITURRI_LANGUAGES="packs"
    )
    assert again.returncode == 2
    assert "give --update" in one_line(again.stderr)
    before = (made / "packs" / CODE / "pack.yaml").read_bytes()
    done = iturri("language", "new", CODE, "--update", "--corpus", "corpus.txt", cwd=made, ITURRI_LANGUAGES="packs")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["packs/xx:", "profile.json", "words.tsv"]
    assert (made / "packs" / CODE / "pack.yaml").read_bytes() == before


def test_check_names_what_is_missing_and_measures(made: Path) -> None:
    asked = ("language", "check", CODE, "--corpus", "corpus.txt", "--against", "es=es.txt")
    done = iturri(*asked, cwd=made, ITURRI_LANGUAGES="packs")
    assert (done.returncode, done.stderr) == (1, "")
    for words in ("Made-up (xx), to complete", "steering.topics", "24 of 24 to translate", "held out of the corpus"):
        assert words in done.stdout
    as_json = iturri(*asked, "--json", cwd=made, ITURRI_LANGUAGES="packs")
    assert as_json.returncode == 1
    found = json.loads(one_line(as_json.stdout))
    assert found["code"] == CODE
    assert found["complete"] is False
    assert found["held_out"] is True
    assert {"field": "markers.user", "what": "to translate"} in found["missing"]
    assert {(one["lines_of"], one["detector"]) for one in found["answers"]} == {
        (text, detector) for text in (CODE, "es") for detector in ("arbitrated", "langdetect", "py3langid", "both")
    }
    for one in found["answers"]:
        tally = one["measured"]["long"]
        assert tally["taken"] > 0.95 * tally["lines"] if one["lines_of"] == CODE else tally["taken"] == 0


def test_check_without_a_corpus_asks_about_the_pack_s_own_texts(made: Path) -> None:
    done = iturri("language", "check", "eu", cwd=made)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Basque (eu), complete" in done.stdout
    assert "the pack's own texts" in done.stdout
    assert "not measured" not in done.stdout


def test_check_says_what_a_pack_without_words_does_not_tell(tmp_path: Path) -> None:
    done = iturri("language", "check", "en", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "English (en), complete" in done.stdout
    assert "not measured: gibberish is not told without words.tsv" in done.stdout
    found = json.loads(one_line(iturri("language", "check", "en", "--json", cwd=tmp_path).stdout))
    assert (found["complete"], found["missing"]) == (True, [])
    assert "words.tsv" in found["unmeasured"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("zz",), ("'zz'", "known: en, eu", "ITURRI_LANGUAGES")),
        (("eu", "--against", "es"), ("--against", "'es'", "OTHER=FILE")),
        (("eu", "--against", "eu=es.txt"), ("--against", "'eu'", "--corpus")),
        (("eu", "--against", "es=gone.txt"), ("--against", "gone.txt", "No such file")),
        (("eu", "--corpus", "es.txt"), ("--corpus", "at least 5,000")),
    ],
)
def test_check_refuses_bad_input_in_one_line(made: Path, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    done = iturri("language", "check", *arguments, cwd=made)
    line = one_line(done.stderr)
    assert (done.returncode, done.stdout) == (2, "")
    assert all(word in line for word in words), line


def test_list_shows_every_pack_also_a_broken_one(made: Path, tmp_path: Path) -> None:
    packs = tmp_path / "packs"
    packs.mkdir()
    (packs / CODE).symlink_to(made / "packs" / CODE)
    (packs / "an").mkdir()
    (packs / "an" / "pack.yaml").write_text("code: an\n", encoding="utf-8")
    done = iturri("language", "list", cwd=tmp_path, ITURRI_LANGUAGES="packs")
    assert (done.returncode, done.stderr) == (0, "")
    rows = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert "broken" in rows["an"]
    assert "an/pack.yaml: name: this field is required" in rows["an"]
    assert "Basque" in rows["eu"]
    assert "complete" in rows["eu"]
    assert "to complete" in rows[CODE]
    refused = iturri("language", "list", cwd=tmp_path, ITURRI_LANGUAGES="gone")
    assert refused.returncode == 2
    assert "ITURRI_LANGUAGES" in one_line(refused.stderr)


def test_a_build_with_an_untranslated_pack_is_refused_and_filtering_is_not(made: Path, tmp_path: Path) -> None:
    packs = str(made / "packs")
    write_recipe(tmp_path / "recipe.json", language=CODE)
    for command in (("build",), ("recipe", "check")):
        done = iturri(*command, "recipe.json", cwd=tmp_path, ITURRI_LANGUAGES=packs)
        assert done.returncode == 2
        for words in ("'xx' is not complete", "TRANSLATE:", "steering.system_prompts", "markers.step", "pack.yaml"):
            assert words in done.stderr
    rows = [
        {"messages": [{"role": "user", "content": line}, {"role": "assistant", "content": line}]}
        for line in (sentences(3, seed=2)[0], SPANISH[1])
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    done = iturri("filter", "rows.jsonl", "--language", CODE, "--json", cwd=tmp_path, ITURRI_LANGUAGES=packs)
    assert done.returncode == 0, done.stderr
    assert '"language.foreign"' in done.stdout
