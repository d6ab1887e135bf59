"""Conversations of builds, publications and files on this machine, and what is said about bad ones."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from publishers.export import export
from publishers.local import publish_to_folder
from publishers.manifest import write_manifest
from publishers.shard import config_name, shard_path, write_shard
from schemas.conversation import Conversation
from schemas.errors import InputError
from schemas.manifest import Shard
from schemas.training import ConversationSource
from schemas.training_format import TrainingFormat
from tests.support.dataset_rows import exchange, write_jsonl, write_parquet
from tests.support.publishers_builds import conversation, make_build, manifest
from training.publications import Conversations, Row, open_conversations

FIELD = "data.conversations.0"
TURNS = [{"from": "human", "value": "Kaixo!"}, {"from": "gpt", "value": "Kaixo, zer moduz?"}]
EXCHANGE = exchange("Kaixo!", "Kaixo, zer moduz?")


def opened(source: Path | str, *languages: str, **chosen: Any) -> Conversations:
    """The recipe's languages, and what the source chooses of its own."""
    asked = ConversationSource.model_validate({"source": str(source), **chosen})
    return open_conversations(asked, languages or ("eu",), FIELD)


def refused(source: Path | str, *languages: str, **chosen: Any) -> str:
    """What is said, in one line, when it is opened or read."""
    with pytest.raises(InputError) as caught:
        list(opened(source, *languages, **chosen))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def seal(build: Path, mode: str, language: str, split: str, rows: list[Conversation]) -> Shard:
    config = config_name(mode, language)
    path = shard_path(config, split, 0)
    size, sha256 = write_shard(rows, build / path)
    return Shard(path=path, config=config, split=split, rows=len(rows), bytes=size, sha256=sha256)


def rows_of(mode: str, language: str, first: int, count: int) -> list[Conversation]:
    return [conversation(first + number, mode, language=language) for number in range(count)]


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """magpie in Basque (4 rows, 1 held out) and in English (3); grounded in Basque (2)."""
    folder = tmp_path / "eraikuntza"
    shards = (
        seal(folder, "magpie", "eu", "train", rows_of("magpie", "eu", 0, 4)),
        seal(folder, "magpie", "eu", "validation", rows_of("magpie", "eu", 10, 1)),
        seal(folder, "magpie", "en", "train", rows_of("magpie", "en", 20, 3)),
        seal(folder, "grounded", "eu", "train", rows_of("grounded", "eu", 30, 2)),
    )
    write_manifest(manifest(shards), folder)
    return folder


@pytest.fixture(params=["build", "folder", "folder without a manifest"])
def place(request: pytest.FixtureRequest, build: Path, tmp_path: Path) -> Path:
    """The same rows, as a build and as a publication's folder, which also has tables that are no conversations."""
    if request.param == "build":
        return build
    target = tmp_path / "argitalpena"
    publish_to_folder(build, target)
    if request.param != "folder":
        (target / "manifest.json").unlink()
        write_parquet_table(target, "reviews")
    return target


def write_parquet_table(target: Path, config: str) -> None:
    """A table beside the conversations, as publications have them."""
    (target / "data" / config).mkdir()
    write_parquet(target / "data" / config / "train-00000.parquet", [{"id": "proba-magpie-000000", "mark": "good"}])
    card = (target / "README.md").read_text()
    entry = f"- config_name: {config}\n  data_files:\n  - split: train\n    path: data/{config}/train-00000.parquet\n"
    (target / "README.md").write_text(card.replace("dataset_info:\n", f"{entry}dataset_info:\n", 1))


def numbers(rows: list[Row]) -> list[int]:
    return [int(row.id.rsplit("-", 1)[1]) for row in rows]


def test_a_publication_gives_all_its_conversations_the_held_out_last(place: Path) -> None:
    read = opened(place, "eu", "en")
    rows = list(read)
    assert (read.name, read.revision, read.left_out) == (place.name, None, {})
    assert numbers(rows) == [30, 31, 20, 21, 22, 0, 1, 2, 3, 10]
    assert [row.split for row in rows] == ["train"] * 9 + ["validation"]
    assert [(row.mode, row.language) for row in rows[:4:3]] == [("grounded", "eu"), ("magpie", "en")]
    assert rows[0].messages == [message.model_dump() for message in conversation(30, "grounded").messages]
    assert rows[0].id == conversation(30, "grounded").id
    assert list(read) == rows


@pytest.mark.parametrize(
    ("recipe", "chosen", "expected"),
    [
        (("eu",), {}, [30, 31, 0, 1, 2, 3, 10]),
        (("eu", "en"), {"languages": ("en",)}, [20, 21, 22]),
        (("eu", "en"), {"modes": ("magpie",)}, [20, 21, 22, 0, 1, 2, 3, 10]),
        (("eu", "en"), {"modes": ("grounded",), "languages": ("eu",)}, [30, 31]),
    ],
)
def test_modes_and_languages_choose(
    place: Path, recipe: tuple[str, ...], chosen: dict[str, Any], expected: list[int]
) -> None:
    assert numbers(list(opened(place, *recipe, **chosen))) == expected


def test_rows_of_languages_that_are_not_chosen_are_counted(build: Path) -> None:
    read = opened(build, "eu")
    for _ in range(2):
        assert sum(1 for _ in read) == 7
        assert read.left_out == {"language": 3}
    read = opened(build, "eu", "en", modes=("magpie",), languages=("en",))
    assert sum(1 for _ in read) == 3
    assert read.left_out == {"language": 5}


def test_what_a_publication_does_not_have_is_said_with_what_it_has(place: Path) -> None:
    name = place.name
    assert refused(place, "eu", modes=("magpie", "reverse")) == (
        f"{FIELD}.modes: {name} has no mode reverse; it has: grounded, magpie"
    )
    assert refused(place, "eu", "gl", languages=("gl",)) == (
        f"{FIELD}.languages: {name} has no language gl; it has: eu, en"
    )
    assert refused(place, "gl") == (
        f"{FIELD}.source: {name} has no config of the languages and modes that are asked for; it has: grounded-eu, "
        "magpie-en, magpie-eu"
    )
    assert refused(place, "eu", "en", modes=("grounded",), languages=("en",)).startswith(f"{FIELD}.source: ")


def test_a_row_in_another_language_than_its_config_is_left_out(tmp_path: Path) -> None:
    rows = [*rows_of("magpie", "eu", 0, 2), *rows_of("magpie", "fr", 2, 1)]
    write_manifest(manifest((seal(tmp_path, "magpie", "eu", "train", rows),)), tmp_path)
    read = opened(tmp_path)
    assert numbers(list(read)) == [0, 1]
    assert read.left_out == {"language": 1}


def test_a_build_with_nothing_sealed_a_damaged_manifest_and_a_missing_or_torn_shard(build: Path) -> None:
    shard = build / "data" / "magpie-eu" / "train-00000.parquet"
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) // 2])
    assert refused(build).startswith(f"{FIELD}.source: data/magpie-eu/train-00000.parquet cannot be read (")
    shard.unlink()
    assert refused(build).startswith(f"{FIELD}.source: data/magpie-eu/train-00000.parquet cannot be read (")
    path = build / "manifest.json"
    path.write_bytes(path.read_bytes()[:-20])
    assert refused(build) == f"{FIELD}.source: manifest.json of {build.name} is damaged; restore it"
    write_manifest(manifest(()), build)
    assert refused(build) == f"{FIELD}.source: {build.name} has no sealed shards yet; finish `iturri build` first"


def test_a_manifest_may_not_name_files_that_are_not_its_own(build: Path) -> None:
    made = manifest((seal(build, "magpie", "eu", "train", rows_of("magpie", "eu", 0, 1)),))
    text = made.model_dump_json(exclude_computed_fields=True).replace("data/magpie-eu", "../data/magpie-eu")
    (build / "manifest.json").write_text(text)
    assert "names a file that is not its own, '../data/magpie-eu/train-00000.parquet'" in refused(build)


def test_a_card_of_a_folder_may_not_name_files_that_are_not_its_own(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "secret.jsonl", [{"messages": EXCHANGE}])
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "README.md").write_text("---\nconfigs:\n- {config_name: x, data_files: ../secret.jsonl}\n---\n")
    assert refused(tmp_path / "c").startswith(f"{FIELD}.source: ")


def test_a_manifest_of_another_program_is_none(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "c" / "data.jsonl", [{"messages": EXCHANGE}])
    (tmp_path / "c" / "manifest.json").write_text('{"start_url": "/"}')
    # `datasets` takes every .json for data, so people keep those out by a card.
    (tmp_path / "c" / "README.md").write_text("---\nconfigs:\n- {config_name: x, data_files: data.jsonl}\n---\n")
    assert [row.messages for row in opened(tmp_path / "c")] == [EXCHANGE]


@pytest.mark.parametrize("layout", ["trl", "axolotl", "llamafactory", "sharegpt", "jsonl"])
def test_what_is_exported_for_other_trainers_is_read_with_its_splits(tmp_path: Path, layout: TrainingFormat) -> None:
    make_build(tmp_path / "build")
    model = "org/model" if layout in ("axolotl", "trl", "llamafactory") else None
    export(tmp_path / "build", tmp_path / "esportazioa", layout, model=model)
    rows = list(opened(tmp_path / "esportazioa"))
    whole = list(opened(tmp_path / "build"))
    assert [(row.messages, row.split, row.language) for row in rows] == [
        (row.messages, row.split, row.language) for row in whole
    ]
    if layout == "jsonl":
        assert rows == whole
    else:
        assert [row.id for row in rows] == [f"esportazioa#{number}" for number in range(8)]


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
@pytest.mark.parametrize("turns", [{"messages": EXCHANGE}, {"conversations": TURNS}, {"conversations": EXCHANGE}])
def test_messages_and_sharegpt_are_read_alike(tmp_path: Path, name: str, turns: dict[str, Any]) -> None:
    write = write_jsonl if name == "a.jsonl" else write_parquet
    write(tmp_path / name, [{"id": 7, **turns}, {"id": 8, **turns}])
    assert list(opened(tmp_path / name)) == [
        Row(id=f"{name}#{number}", messages=EXCHANGE, language="eu", mode=None, split="train") for number in range(2)
    ]


def test_roles_by_other_names_become_those_of_templates_and_the_rest_stays(tmp_path: Path) -> None:
    turns = [
        {"from": "System", "value": "Lagundu."},
        {"from": " Human", "value": "Kaixo!"},
        {"from": "prompter", "value": "Hor?"},
        {"role": "Model", "content": "Bai.", "weight": 0, "thinking": None},
        {"role": "tool", "content": "3", "tool_call_id": "a"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "a"}]},
        {"role": 3},
    ]
    path = write_jsonl(tmp_path / "a.jsonl", [{"messages": turns}])
    assert next(iter(opened(path))).messages == [
        {"role": "System", "content": "Lagundu."},
        {"role": "user", "content": "Kaixo!"},
        {"role": "user", "content": "Hor?"},
        {"role": "assistant", "content": "Bai.", "weight": 0},
        {"role": "tool", "content": "3", "tool_call_id": "a"},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "a"}]},
        {"role": 3, "content": None},
    ]


def test_rows_of_others_say_their_language_and_mode_or_have_the_one_of_the_source(tmp_path: Path) -> None:
    rows = [
        {"messages": EXCHANGE, "language": "eu", "mode": "chat"},
        {"messages": EXCHANGE, "language": "en", "mode": "chat"},
        {"messages": EXCHANGE, "language": None, "mode": "chat"},
        {"messages": EXCHANGE, "language": "eu", "mode": "maths"},
    ]
    path = write_jsonl(tmp_path / "a.jsonl", rows)
    read = opened(path, modes=("chat",))
    assert [(row.id, row.language, row.mode) for row in read] == [
        ("a.jsonl#0", "eu", "chat"),
        ("a.jsonl#2", "eu", "chat"),
    ]
    assert read.left_out == {"language": 1, "mode": 1}
    read = opened(path, "eu", "en")
    assert [row.language for row in read] == ["eu", "en", "eu"]
    assert read.left_out == {"unreadable": 1}
    assert refused(path, modes=("chat", "code")) == f"{FIELD}.modes: a.jsonl has no mode code; it has: chat, maths"
    assert refused(path, "gl", "fr") == (
        f"{FIELD}.source: no row of a.jsonl is of the languages and modes that are asked for; its rows by language: "
        "eu (2), en (1); mode: chat (2), maths (1)"
    )


def test_rows_that_cannot_be_read_are_counted_each_time(tmp_path: Path) -> None:
    lines = [{"messages": EXCHANGE}, "{", {"messages": None}, {"messages": "Kaixo"}, {"messages": ["Kaixo"]}, {"a": 1}]
    half = '{"messages": [{"role": "user", "content": "\\ud83d"}]}'
    read = opened(write_jsonl(tmp_path / "a.jsonl", [*lines, half, {"messages": EXCHANGE}, {"messages": []}]))
    for _ in range(2):
        assert [row.id for row in read] == ["a.jsonl#0", "a.jsonl#7", "a.jsonl#8"]
        assert read.left_out == {"unreadable": 6}


def test_a_source_without_rows_or_without_conversations_is_refused(tmp_path: Path) -> None:
    assert refused(write_jsonl(tmp_path / "a.jsonl", [])) == f"{FIELD}.source: a.jsonl holds no rows"
    told = f"{FIELD}.source: b.jsonl holds no conversations: none of its 2 rows has a list of messages"
    assert refused(write_jsonl(tmp_path / "b.jsonl", [{"messages": None}] * 2)) == told


def test_columns_that_are_not_there_are_said_with_those_that_are(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", [{"instruction": "Zer?", "output": "Hau."}])
    assert refused(path) == (
        f"{FIELD}.source: there is no column messages or conversations; a.jsonl has: instruction, output; "
        "put documents under data.corpus"
    )
    path = write_parquet(tmp_path / "b.parquet", [{"messages": EXCHANGE}])
    assert refused(path, "eu", "en") == (
        f"{FIELD}.languages: rows do not say theirs; name the one that they have (b.parquet has: messages)"
    )
    assert [row.language for row in opened(path, "eu", "en", languages=("en",))] == ["en"]
    assert refused(path, modes=("chat",)).startswith(f"{FIELD}.modes: rows have no mode; leave it out")
    (tmp_path / "c.txt").write_text("Kaixo!")
    assert refused(tmp_path / "c.txt") == (
        f"{FIELD}.source: c.txt is plain text; conversations are Parquet or JSONL; put documents under data.corpus"
    )


def test_a_split_of_another_name_is_named(tmp_path: Path) -> None:
    for split, count in (("train_sft", 3), ("test_sft", 2), ("validation", 1)):
        write_jsonl(tmp_path / "c" / f"{split}.jsonl", [{"messages": EXCHANGE}] * count)
    entries = [f"  - {{split: {one}, path: {one}.jsonl}}\n" for one in ("train_sft", "test_sft", "validation")]
    front = "---\nconfigs:\n- config_name: default\n  data_files:\n" + "".join(entries) + "---\n"
    (tmp_path / "c" / "README.md").write_text(front)
    for split, count in (("train_sft", 3), ("test_sft", 2)):
        rows = list(opened(tmp_path / "c", "eu", split=split))
        assert [(row.split, row.parted) for row in rows] == [("train", False)] * count
    assert refused(tmp_path / "c", split="dev") == (
        f"{FIELD}.split: c has no split dev (config default); name one of: train_sft, test_sft, validation"
    )


def test_a_dataset_without_a_training_split_is_refused_with_those_that_it_has(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "c" / "test.jsonl", [{"messages": EXCHANGE}])
    assert refused(tmp_path / "c") == f"{FIELD}.split: c has no split train (config default); name one of: test"


def test_a_split_is_only_of_datasets_of_others(place: Path, tmp_path: Path) -> None:
    told = f"{FIELD}.split: of a publication train and validation are read; leave it out for {place.name}"
    assert refused(place, split="train") == told
    path = write_jsonl(tmp_path / "a.jsonl", [{"messages": EXCHANGE}])
    assert refused(path, split="train") == f"{FIELD}.split: files have no splits; leave it out for a.jsonl"


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    assert refused(tmp_path / "ez").startswith(f"{FIELD}.source: there is no file or folder ")
    path = write_jsonl(tmp_path / "a.jsonl", [{"messages": EXCHANGE}])
    assert refused(path, revision="v1") == f"{FIELD}.revision: {path} lies on this machine and has none; leave it out"


def test_memory_is_that_of_a_few_rows_also_in_one_large_row_group(tmp_path: Path) -> None:
    rows = [{"messages": exchange(f"{number} " * 100, f"{number}a " * 300)} for number in range(20_000)]
    path = write_parquet(tmp_path / "a.parquet", rows, row_group_size=len(rows))
    before = pa.total_allocated_bytes()
    peak = max(pa.total_allocated_bytes() - before for _ in opened(path))
    assert 4 * peak < sum(len(turn["content"]) for row in rows for turn in row["messages"])


def test_a_copy_of_a_folder_has_the_same_ids(build: Path, tmp_path: Path) -> None:
    publish_to_folder(build, tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert list(opened(tmp_path / "a")) == list(opened(tmp_path / "b"))
