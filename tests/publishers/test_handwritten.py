"""The hand-written part of a card survives, and nothing else that people wrote is lost unsaid."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from publishers.card_metadata import card_metadata
from publishers.handwritten import BEGIN, END, OUR_KEYS, OUR_TAGS, card_text, renewed
from schemas.errors import PublishError
from schemas.modes import ModeSpec
from tests.support.publishers_builds import manifest, recipe_fields


def card(rows: int = 10, **metadata: Any) -> str:
    """As the template makes it, of a build with so many rows."""
    front = yaml.safe_dump({"language": ["eu"], "license": "mit", "tags": ["synthetic", "magpie"]} | metadata)
    return (
        f"---\n{front}---\n\n# Proba\n\n{rows} conversations.\n\n## How to load\n\nLike this.\n\n"
        f"{BEGIN}\n{END}\n\n## Citation\n\nCite it.\n"
    )


FIRST = renewed(card(), None)


def written(text: str, there: str = FIRST) -> str:
    """The card with this text in the part for people."""
    return there.replace(f"{BEGIN}\n{END}", f"{BEGIN}\n{text}{END}")


def metadata_of(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return found


def test_the_same_card_again_changes_nothing() -> None:
    assert renewed(card(), FIRST) == FIRST


def test_what_iturri_writes_is_renewed_and_what_people_wrote_stays() -> None:
    mine = written("## Nork egina\n\nUdako ikastaroan egina. ---\n")
    again = renewed(card(rows=20), mine)
    assert "20 conversations" in again and "10 conversations" not in again
    assert again == written("## Nork egina\n\nUdako ikastaroan egina. ---\n", renewed(card(rows=20), None))


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00")).filter(lambda text: "<!--" not in text)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8", categories=["L", "Nd", "Zs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
    max_leaves=5,
)


@given(text=texts, rows=st.lists(st.integers(0, 99), min_size=1, max_size=4))
def test_any_text_survives_any_number_of_publications(text: str, rows: list[int]) -> None:
    there = written(text)
    for count in rows:
        there = renewed(card(rows=count), there)
    assert there == written(text, renewed(card(rows=rows[-1]), None))


@given(
    extra=st.dictionaries(st.from_regex(r"my_[a-z]{1,8}", fullmatch=True), values, max_size=4),
    tags=st.lists(st.from_regex(r"own-[a-z]{1,8}", fullmatch=True), unique=True, max_size=4),
)
def test_any_metadata_of_others_survives(extra: dict[str, Any], tags: list[str]) -> None:
    head, front, rest = FIRST.split("---\n", 2)
    metadata = yaml.safe_load(front)
    metadata["tags"] = [*tags, *metadata["tags"]]
    there = f"{head}---\n{yaml.safe_dump(metadata | extra, allow_unicode=True)}---\n{rest}"
    for rows in (11, 12):
        there = renewed(card(rows=rows), there)
    assert metadata_of(there) == metadata_of(FIRST) | extra | {"tags": ["synthetic", "magpie", *tags]}


def test_an_editor_that_rewrites_line_ends_and_yaml_does_no_harm() -> None:
    head, front, rest = written("Nirea.\n").split("---\n", 2)
    other = yaml.safe_dump(yaml.safe_load(front), default_flow_style=True, sort_keys=True)
    there = f"{head}---\n{other}---\n{rest}".replace("\n", "\r\n").replace("Like this.", "Like this.  ")
    again = renewed(card(rows=20), there)
    assert "Nirea." in again and "20 conversations" in again


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("10 conversations.", "Ten conversations.", "in what stands above its sections"),
        ("Like this.", "Like that.", "in `## How to load`"),
        ("Cite it.", "Cite me.\n\n## More\n\nMuch more.", "in `## Citation`"),
        ("Cite it.\n", "Cite it.\n\n## More\n\nMuch more.\n", "in `## More`"),
        ("## Citation\n\nCite it.\n", "", "in a section that is gone"),
        ("license: mit\n", "license: apache-2.0\n", "in the metadata `license`"),
        ("license: mit\n", "", "in the metadata `license`"),
        ("license: mit\n", "license: {1: a, b: c}\n", "in the metadata `license`"),
        ("license: mit\n", "license: mit\nlicense_name: Nirea\n", "in the metadata `license_name`"),
        ("- magpie\n", "", "in the metadata `tags`"),
    ],
)
def test_an_edit_elsewhere_is_refused_with_its_place(old: str, new: str, place: str) -> None:
    there = written("Nirea.\n").replace(old, new)
    assert there != written("Nirea.\n")
    with pytest.raises(PublishError, match=re.escape(place)) as refused:
        renewed(card(), there)
    assert "\n" not in str(refused.value)


def test_without_the_comment_the_rest_is_written_anew() -> None:
    there = written("Nirea.\n").replace("10 conversations.", "Ten conversations.")
    there = "\n".join(line for line in there.splitlines() if "written by Iturri" not in line) + "\n"
    assert renewed(card(), there) == written("Nirea.\n")


@pytest.mark.parametrize("front", ["", "---\nlicense: mit\narxiv: 1\n---\n"])
def test_a_card_of_before_becomes_the_part_for_people(front: str) -> None:
    there = f"{front}# Mine\n\nWritten before.\n"
    again = renewed(card(), there)
    assert f"{BEGIN}\n# Mine\n\nWritten before.\n{END}" in again
    assert metadata_of(again).get("arxiv") == (1 if front else None)
    assert renewed(card(), again) == again


def test_an_empty_card_of_before_is_nothing() -> None:
    assert renewed(card(), "---\nlicense: mit\n---\n") == FIRST


def test_a_card_of_iturri_without_marks_is_refused_since_words_of_people_may_be_in_it() -> None:
    old = "---\nlicense: mit\ntags: [conversational]\n---\n\n# Proba\n\n| made with | Iturri 0.1.0 |\n"
    with pytest.raises(PublishError, match="without the marks of the part that is yours"):
        renewed(card(), old)


def test_a_licence_of_people_that_is_another_one_is_said() -> None:
    with pytest.raises(PublishError, match=r"says license gpl-3\.0, and the recipe mit; make them agree"):
        renewed(card(), "---\nlicense: gpl-3.0\n---\n# Mine\n")


def test_a_card_that_is_no_text_is_refused() -> None:
    assert card_text("Españan".encode()) == "Españan"
    with pytest.raises(PublishError, match="is no text in UTF-8"):
        card_text("Españan".encode("latin-1"))


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace(END, ""),
        lambda text: text.replace(BEGIN, ""),
        lambda text: text.replace(END, f"{END}\n{END}"),
        lambda text: text.replace(BEGIN, "?").replace(END, BEGIN).replace("?", END),
    ],
)
def test_damaged_marks_are_refused(damage: Any) -> None:
    with pytest.raises(PublishError, match="open the part that is yours") as refused:
        renewed(card(), damage(written("Nirea.\n")))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("front", ["a: [", "- a\n- b", "just text"])
def test_metadata_that_cannot_be_read_is_one_line(front: str) -> None:
    with pytest.raises(PublishError, match="metadata of the card that is there") as refused:
        renewed(card(), f"---\n{front}\n---\n# Mine\n")
    assert "\n" not in str(refused.value)


def test_metadata_that_yaml_alone_would_take_or_stumble_over_is_one_line_with_its_place() -> None:
    broken = ("when: 2024-13-45", "arxiv: 1\narxiv: 2", "deep: " + "[" * 3000, 'half: "\\ud800"')
    for front in broken:
        with pytest.raises(PublishError, match="is no YAML") as refused:
            renewed(card(), f"---\nlicense: mit\n{front}\n---\n# Mine\n")
        assert "\n" not in str(refused.value)
    with pytest.raises(PublishError, match="'arxiv' is there twice, line 4"):
        renewed(card(), f"---\nlicense: mit\n{broken[1]}\n---\n# Mine\n")


def test_tags_of_others_keep_their_values_and_may_be_one_alone() -> None:
    several = renewed(card(), FIRST.replace("- magpie\n", "- magpie\n- 2024\n- {a: b}\n"))
    assert metadata_of(several)["tags"] == ["synthetic", "magpie", 2024, {"a": "b"}]
    alone = renewed(card(), "---\ntags: basque\n---\n# Mine\n")
    assert metadata_of(alone)["tags"] == ["synthetic", "magpie", "basque"]


def without_comment(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if "written by Iturri" not in line) + "\n"


def test_what_earlier_cards_of_iturri_had_does_not_become_peoples() -> None:
    """Where no checksums tell it: the comment was taken away."""
    named = renewed(card(license="other", license_name="Nirea"), None).replace("- magpie", "- magpie\n- mine")
    there = without_comment(named).replace("license:", "arxiv: 1\nlicense:")
    again = metadata_of(renewed(card(), there))
    assert again == {**metadata_of(FIRST), "arxiv": 1, "tags": ["synthetic", "magpie", "mine"]}


def test_a_tag_that_iturri_gives_to_others_stays_where_people_gave_it() -> None:
    there = FIRST.replace("- magpie\n", "- magpie\n- translation\n")
    assert metadata_of(renewed(card(), there))["tags"] == ["synthetic", "magpie", "translation"]


@pytest.mark.parametrize("damage", [('{"metadata"', '{"metadat'), ("Checksums: {", "Checksums: "), ("sections", "...")])
def test_a_damaged_comment_does_not_let_edits_be_lost(damage: tuple[str, str]) -> None:
    there = FIRST.replace(*damage)
    assert there != FIRST
    with pytest.raises(
        PublishError, match="comment `written by Iturri` of the card that is there is damaged"
    ) as refused:
        renewed(card(), there.replace("10 conversations.", "Ten conversations."))
    assert "\n" not in str(refused.value)


def test_a_comment_among_peoples_words_is_theirs() -> None:
    (comment,) = (line for line in renewed(card(rows=3), None).splitlines() if "written by Iturri" in line)
    there = written(f"{comment}\nNirea.\n")
    assert renewed(card(), there) == there
    with pytest.raises(PublishError, match="How to load"):
        renewed(card(), there.replace("Like this.", "Like that."))
    assert renewed(card(), there[: there.rindex("<!-- written by Iturri")]) == there


def test_a_blank_line_above_the_metadata_is_no_edit() -> None:
    assert renewed(card(), f"\ufeff\n{FIRST}") == FIRST


def test_the_keys_and_tags_of_every_card_are_known() -> None:
    modes = {choice.model_fields["mode"].annotation for choice in get_args(get_args(ModeSpec)[0])}
    names = {name for mode in modes for name in get_args(mode)}
    assert len(names) == 6 and names <= {*OUR_TAGS}
    for fields in (recipe_fields(), recipe_fields(licence=None)):
        metadata = card_metadata(manifest((), fields))
        assert {*metadata} <= {*OUR_KEYS}
        assert {*metadata["tags"]} <= {*OUR_TAGS}
