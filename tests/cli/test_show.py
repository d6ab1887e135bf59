"""`iturri show`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli_command import iturri, one_line, write_recipe


def shown(built: Path, *arguments: str) -> dict[str, Any]:
    done = iturri("show", *arguments, "--json", cwd=built)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(one_line(done.stdout))
    return found


def test_funnel_shards_and_conversations(built: Path) -> None:
    done = iturri("show", "good", "-n", "2", cwd=built)
    assert done.returncode == 0, done.stderr
    headline = done.stdout.splitlines()[0]
    assert headline.startswith("good (builds/good), complete: 20 of 20 conversations")
    assert "generated tokens per accepted conversation" in headline
    assert "data/magpie-eu/train-00000.parquet" in done.stdout
    assert done.stdout.count("user: ") >= 2
    assert done.stdout.count("accepted 1: ") == done.stdout.count("accepted 2: ") == 1
    assert "accepted 3: " not in done.stdout


def test_the_table_accounts_for_every_draft_and_token(built: Path) -> None:
    found = shown(built, "builds/good", "-n", "0")
    rows = found["funnel"]["rows"]
    done = iturri("show", "builds/good", "-n", "0", cwd=built)
    table = done.stdout.split("funnel")[1].split("shards")[0].splitlines()[2:]
    cells = [line.split() for line in table if line.strip()]
    ended = [cell for cell in cells if len(cell) in (5, 6)]
    in_flight = [int(cell[-1].replace(",", "")) for cell in cells if cell not in ended]
    assert sum(int(cell[2].replace(",", "")) for cell in ended if cell[0] != "not_needed") == found["funnel"]["drafts"]
    tokens = sum(int(cell[4].replace(",", "")) for cell in ended) + sum(in_flight)
    assert tokens == found["funnel"]["completion_tokens"]
    assert (
        found["funnel"]["dropped"]
        == sum(row["drafts"] for row in rows if row["gate"] not in ("accepted", "not_needed"))
        > 0
    )
    assert found["accepted"] == found["dropped"] == []


def test_a_dry_build_is_called_one(built: Path, tmp_path: Path) -> None:
    write_recipe(tmp_path / "dry.json", filters={"dry": True}, target={"conversations": 3})
    assert iturri("build", "-q", "dry.json", cwd=tmp_path).returncode == 0
    done = iturri("show", "dry", "-n", "0", cwd=tmp_path)
    headline = done.stdout.splitlines()[0]
    assert "complete, dry (the filters only looked on and dropped nothing but unfit materials): 3 of 3" in headline
    assert shown(tmp_path, "dry", "-n", "0")["dry"] is True
    assert shown(built, "good", "-n", "0")["dry"] is False
    assert "dry" not in iturri("show", "good", "-n", "0", cwd=built).stdout


def test_it_says_how_different_the_rows_are(tmp_path: Path) -> None:
    subjects = (
        "itsaso urdinari",
        "mendi garaiari",
        "eguzki epelari",
        "hondartza hutsari",
        "baso ilunari",
        "zubi zaharrari",
    )
    write_recipe(
        tmp_path / "poems.json",
        backbone={
            "kind": "scripted",
            "user_turns": [f"Idatzi {subject} buruzko olerkia" for subject in subjects],
            "replies": ["Ondo da hori, galdetu lasai."],
        },
        filters={"language": {"enabled": False}},
        target={"conversations": len(subjects)},
    )
    assert iturri("build", "-q", "poems.json", cwd=tmp_path).returncode == 0
    diversity = shown(tmp_path, "builds/poems", "-n", "0")["funnel"]["diversity"]
    assert diversity["distinct"] == pytest.approx(19 / 24, abs=0.01)
    (family,) = diversity["families"]
    assert (family["frame"], family["rows"]) == ("idatzi … buruzko olerkia", 6)
    assert diversity["alarms"] == []
    done = iturri("show", "builds/poems", "-n", "0", cwd=tmp_path)
    assert f"distinct-2 of first user turns: {diversity['distinct']:.1%}" in done.stdout
    lines = done.stdout.partition("largest template families")[2].splitlines()
    assert lines[2].split() == [*family["frame"].split(), "6", "100.0%"]


def test_drops_come_with_reason_and_evidence(built: Path) -> None:
    dropped = shown(built, "good", "--dropped", "-n", "100")["dropped"]
    reason = dropped[0]["reason"]
    assert reason in shown(built, "good")["reasons"]
    of_it = [sample for sample in dropped if sample["reason"] == reason]
    assert shown(built, "good", "--reason", reason, "-n", "100")["dropped"] == of_it
    done = iturri("show", "good", "--dropped", "-n", "1", cwd=built)
    assert f"dropped {dropped[0]['number']}: {reason} at {dropped[0]['gate']}" in done.stdout
    assert dropped[0]["evidence"] in done.stdout
    assert f"user: {dropped[0]['messages'][0]['content']}" in done.stdout


def test_a_reason_that_there_is_not(built: Path) -> None:
    done = iturri("show", "good", "--reason", "nonsense", cwd=built)
    assert done.returncode == 2
    line = one_line(done.stderr)
    assert all(word in line for word in ("nonsense", *shown(built, "good")["reasons"]))


def test_choices_of_the_steering_are_told_and_ranked(built: Path) -> None:
    assert "steering" not in shown(built, "good")
    found = shown(built, "good", "-n", "0", "--steering")
    arms, funnel = found["steering"], found["funnel"]
    styles = [arm for arm in arms if arm["factor"] == "style"]
    assert [arm["arm"] for arm in styles] == ["topic"]
    assert sum(arm["drafts"] for arm in styles) == funnel["accepted"] + funnel["dropped"]
    assert sum(arm["accepted"] for arm in styles) == funnel["accepted"]
    topics = [arm for arm in arms if arm["factor"] == "topic"]
    assert sum(arm["drafts"] for arm in topics) == styles[0]["drafts"]
    assert not any(key.startswith("recent") for arm in arms for key in arm)
    done = iturri("show", "good", "-n", "0", "--steering", cwd=built)
    assert done.returncode == 0, done.stderr
    assert "magpie-eu: style" in done.stdout
    assert "tokens per accepted" in done.stdout
    assert topics[0]["arm"] in done.stdout
