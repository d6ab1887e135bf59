"""Topics of steering that come from a corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.build import check_directory
from pipeline.materials import find_materials
from pipeline.reader import BuildReader
from pipeline.topics import MOST_TOPICS, read_topics, topic_of_text, topic_of_title
from schemas.errors import BuildDirectoryError, InputError
from schemas.recipe import Recipe
from schemas.settings import Settings
from tests.support.builds import recipe, run
from tests.support.dataset_rows import write_jsonl

TITLES = ("Bilboko zubiak", "Gaztagintza Idiazabalen", "Eguzki-sistema", "Trikitiaren historia")


def topical(corpus: Path, directory: Path | None = None, **about: Any) -> Recipe:
    steering = {"topics_from": {"dataset": str(corpus), **about}}
    return recipe(directory, modes=[{"mode": "magpie", "steering": steering}], target={"conversations": 12})


def topics(corpus: Path, **about: Any) -> tuple[str, ...]:
    return read_topics(find_materials(topical(corpus, **about)))[0]


@pytest.mark.parametrize(
    ("title", "topic"),
    [
        ("  Bilboko   zubiak ", "Bilboko zubiak"),
        ("# Sarrera:", "Sarrera"),
        ("1848", None),
        ("ab", None),
        ("", None),
        ("hitz " * 13, None),
        ("x" * 101, None),
        ("日本の歴史", "日本の歴史"),
    ],
)
def test_a_title_is_a_topic_if_it_is_a_few_words(title: str, topic: str | None) -> None:
    assert topic_of_title(title) == topic


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("Bilbo hiri bat da. Bizkaian dago.", "Bilbo hiri bat da"),
        ("Izenburua\nLehen lerroa hemen.", "Izenburua"),
        ("bat bi hiru lau bost sei zazpi zortzi bederatzi hamar", "bat bi hiru lau bost sei zazpi zortzi"),
        ("12 345 678\n", None),
    ],
)
def test_a_text_s_topic_is_its_first_sentence_or_first_words(text: str, topic: str | None) -> None:
    assert topic_of_text(text) == topic


def test_titles_come_first_then_first_words_each_once(tmp_path: Path) -> None:
    rows = [
        {"title": "Bilbo", "text": "Hiria da. Bai."},
        {"title": "BILBO", "text": "Beste bat."},
        {"title": None, "text": "Ibai luze bat da hau. Bai."},
        {"title": "1999", "text": None},
    ]
    corpus = write_jsonl(tmp_path / "c.jsonl", rows)
    assert topics(corpus) == ("Bilbo", "Ibai luze bat da hau")
    assert topics(corpus, title_column="text")[0] == "Hiria da. Bai"


def test_no_more_than_most_topics_are_read(tmp_path: Path) -> None:
    rows = [{"title": f"Gaiaren zenbakia {number}", "text": "a"} for number in range(MOST_TOPICS + 50)]
    found = topics(write_jsonl(tmp_path / "c.jsonl", rows))
    assert len(found) == MOST_TOPICS
    assert found[0] == "Gaiaren zenbakia 0"


def test_a_corpus_without_topics_is_refused(tmp_path: Path) -> None:
    corpus = write_jsonl(tmp_path / "c.jsonl", [{"title": "1", "text": "2"}])
    with pytest.raises(InputError, match=r"^modes\.0\.steering\.topics_from: none of the documents of c\.jsonl"):
        topics(corpus)
    with pytest.raises(InputError, match=r"^modes\.0\.steering\.topics_from\.title_column: .* has no column 'izena'"):
        topics(corpus, title_column="izena")


async def test_a_build_is_steered_by_them_and_known_again_by_what_the_corpus_holds(tmp_path: Path) -> None:
    corpus = write_jsonl(tmp_path / "c.jsonl", [{"title": title, "text": "Testua."} for title in TITLES])
    result = await run(topical(corpus), tmp_path / "build")
    rows = [row for _, row in BuildReader(tmp_path / "build").accepted(limit=12)]
    shown = [json.loads(row.sampling)["steering"] for row in rows]
    assert {one["topic"] for one in shown} <= set(TITLES)
    assert len({one["topic"] for one in shown}) > 1
    assert all(one["topic"] in one["system_prompt"] for one in shown)
    told = result.manifest.provenance.recipe["modes"][0]["steering"]["topics_from"]
    assert told["dataset"] == "c.jsonl"
    assert str(tmp_path) not in json.dumps(result.manifest.provenance.recipe["modes"])
    moved = (tmp_path / "elsewhere").joinpath("d.jsonl")
    moved.parent.mkdir()
    moved.write_bytes(corpus.read_bytes())
    check_directory(topical(moved), tmp_path / "build", Settings())
    write_jsonl(moved, [{"title": "Besterik", "text": "Testua."}])
    with pytest.raises(BuildDirectoryError, match="topics_from"):
        check_directory(topical(moved), tmp_path / "build", Settings())
