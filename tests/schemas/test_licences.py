"""The licence of a recipe."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.licences import HUB_LICENCES, hub_licence, licence_words, nearest_licence
from schemas.problems import first_problem
from schemas.recipe import Publish


def refused(**publish: Any) -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        Publish.model_validate(publish)
    return first_problem(caught.value)


@pytest.mark.parametrize("given", ["cc-by-4.0", "CC-BY-4.0", " cc-by-4.0 "])
def test_an_identifier_of_the_hub_is_taken_in_any_case(given: str) -> None:
    assert Publish.model_validate({"licence": given}).licence == "cc-by-4.0"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("CC BY 4.0", "cc-by-4.0"),
        ("apache 2", "apache-2.0"),
        ("Apache License, Version 2.0", "apache-2.0"),
        ("aphace-2.0", "apache-2.0"),
        ("Creative Commons Attribution-ShareAlike 4.0 International", "cc-by-sa-4.0"),
        ("cc-by", "cc-by-4.0"),
        ("CC0", "cc0-1.0"),
        ("Llama 3.1 Community License Agreement", "llama3.1"),
        ("GPLv3", "gpl-3.0"),
    ],
)
def test_a_near_miss_is_refused_with_what_was_meant(given: str, meant: str) -> None:
    where, what = refused(licence=given)
    assert where == "licence"
    assert f"did you mean {meant}?" in what


def test_what_is_near_nothing_is_refused_with_the_list() -> None:
    where, what = refused(licence="Nire lizentzia")
    assert where == "licence"
    assert "did you mean" not in what
    assert "repositories-licenses" in what


def test_unknown_is_no_licence() -> None:
    assert refused(licence="unknown") == (
        "licence",
        "unknown is no licence; leave it out until one is chosen, a folder's card then says unknown",
    )


@pytest.mark.parametrize("missing", ["licence_name", "licence_link"])
def test_other_has_a_name_and_a_link(missing: str) -> None:
    whole = {"licence": "Other", "licence_name": "nire-1.0", "licence_link": "https://example.org/nire"}
    assert Publish.model_validate(whole).licence == "other"
    assert refused(**{**whole, missing: None})[0] == missing
    assert refused(**{**whole, "licence": "mit"})[1].endswith("alone, and the licence is mit")


@pytest.mark.parametrize("link", ["LICENSE", "LICENSE.md", "https://example.org/nire?v=1"])
def test_a_link_is_an_https_address_or_a_file_of_the_repository(link: str) -> None:
    assert Publish.model_validate({"licence": "other", "licence_name": "n", "licence_link": link})


@pytest.mark.parametrize("link", ["http://example.org", "../LICENSE", "/etc/LICENSE", "https://", "a b", ".env"])
def test_no_other_link_is_taken(link: str) -> None:
    assert refused(licence="other", licence_name="n", licence_link=link)[0] == "licence_link"


def test_a_name_is_an_id_and_one_is_proposed() -> None:
    where, what = refused(licence="other", licence_name="Nire Lizentzia 1", licence_link="LICENSE")
    assert (where, "such as nire-lizentzia-1" in what) == ("licence_name", True)


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("CC BY-SA 4.0", "cc-by-sa-4.0"),
        ("ODbL 1.0", "odbl"),
        ("GPL-3.0-or-later", "gpl-3.0"),
        ("Gemma Terms of Use", "gemma"),
        ("cc-by", None),
        ("cc-by-sa-2.0", None),
        ("gpl 1.0", None),
        ("", None),
    ],
)
def test_what_people_call_a_licence_is_known_where_it_is_one_alone(text: str, identifier: str | None) -> None:
    assert hub_licence(text) == identifier


def test_no_two_identifiers_are_spelt_with_the_same_words() -> None:
    assert len({licence_words(one) for one in HUB_LICENCES}) == len(HUB_LICENCES)
    assert all(hub_licence(one) == nearest_licence(one) == one for one in HUB_LICENCES)
