"""Passages: whole paragraphs of a document, cited by their place, without what no reply should be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.passages import passages

SENTENCE = "Herriko jaiak uztailean izaten dira, eta jende asko etortzen da inguruko herrietatik. "
PARAGRAPH = (SENTENCE * 3).strip()

pieces = st.sampled_from(
    [
        PARAGRAPH,
        SENTENCE.strip(),
        "Motza.",
        "## Izenburua",
        "Beste izenburu bat",
        "- ogia\n- gazta\n- sagardoa",
        "Hauek behar dira:",
        "1. Lehenengoa egin.\n2. Gero bigarrena.",
        "Hasiera | Albisteak | Kirola | Kontaktua",
        "12 34 56 | 78 90\n1,5 2,5 3,5",
        "Webgune honek cookieak erabiltzen ditu.",
        "[1] Egilea, Izenburua, 1998.",
        "https://adibidea.eus/orria",
        "a" * 700,
        "\u00a0",
        "日本語の文章です。これは二番目の文です。",
    ]
)
documents = st.lists(st.tuples(pieces, st.sampled_from(["\n\n", "\n", "\r\n\r\n", " ", "\n \t\n"])), max_size=25).map(
    lambda parts: "".join(text + gap for text, gap in parts)
)


def texts(document: str, least: int = 1, most: int = 600) -> list[str]:
    return [found.text for found in passages(document, least, most)]


@given(st.one_of(documents, st.text(max_size=400)), st.integers(1, 200), st.integers(200, 900))
def test_passages_are_slices_in_order_without_overlap_and_within_bounds(document: str, least: int, most: int) -> None:
    end = 0
    for found in passages(document, least, most):
        assert found.start >= end, "no letter is in two of them"
        assert document[found.start : found.end] == found.text
        assert least <= len(found.text) <= most
        assert found.text == found.text.strip()
        end = found.end


@given(st.lists(pieces, min_size=1, max_size=12), st.integers(100, 600))
def test_no_paragraph_that_fits_is_cut(parts: list[str], most: int) -> None:
    document, inside, at = "\n\n".join(parts), set[int](), 0
    for part in parts:
        inside |= set(range(at + 1, at + len(part))) if len(part) <= most else set()
        at += len(part) + 2
    for found in passages(document, 1, most):
        assert not {found.start, found.end} & inside


def test_a_document_that_fits_is_one_passage() -> None:
    document = f"\n\n  {PARAGRAPH}\n\n\n{PARAGRAPH} \n"
    assert texts(document, most=1000) == [f"{PARAGRAPH}\n\n\n{PARAGRAPH}"]
    assert texts("Laburra da.", least=200) == []


def test_a_longer_one_is_cut_into_parts_of_about_the_same_length() -> None:
    document = "\n\n".join([PARAGRAPH] * 7)
    found = texts(document, most=len(PARAGRAPH) * 4 + 6)
    assert [text.count(PARAGRAPH) for text in found] == [4, 3]


def test_a_heading_stays_with_what_follows_it_and_goes_where_nothing_does() -> None:
    document = f"{PARAGRAPH}\n\n## Jaiak\n\n{PARAGRAPH}\n\nErreferentziak\n\n[1] Egilea, 1998.\n[2] Beste bat, 2001."
    assert texts(document, most=300) == [PARAGRAPH, f"## Jaiak\n\n{PARAGRAPH}"]


def test_a_list_is_not_torn_apart_nor_from_the_line_that_leads_to_it() -> None:
    items = "\n\n".join(f"- {number}. urratsa: {SENTENCE.strip()}" for number in range(4))
    led = f"Honela egiten da:\n\n{items}"
    assert texts(f"{PARAGRAPH}\n\n{led}\n\n{PARAGRAPH}", most=len(led) + 20) == [PARAGRAPH, led, PARAGRAPH]
    assert texts(f"{PARAGRAPH}\n\n{led}\n\n{PARAGRAPH}", most=len(led) - 20) == [PARAGRAPH, PARAGRAPH]


def test_a_paragraph_that_does_not_fit_is_cut_between_sentences_only() -> None:
    long = "XX. mendearen hasieran, 1.250 lagun bizi ziren hemen. Bazekien hori. " * 9
    found = texts(long, most=200)
    assert " ".join(found) == long.strip()
    assert all(text.startswith(("XX. mendearen", "Bazekien")) and text.endswith(("hemen.", "hori.")) for text in found)
    assert texts("a" * 500 + " " + "b" * 500, most=600) == [], "no end of a sentence in sight"
    assert texts("これは長い文です。" * 30, most=60) == ["これは長い文です。" * 6] * 5


@pytest.mark.parametrize(
    "nothing",
    [
        "Hasiera | Albisteak | Kirola | Eguraldia | Kontaktua",
        "Hasiera\nAlbisteak\nKirola\nEguraldia\nKontaktua",
        "Hasiera\n\nAlbisteak\n\nKirola\n\nEguraldia\n\nKontaktua",
        "[Hasiera](/) [Albisteak](/albisteak) [Kirola](/kirola)",
        "https://adibidea.eus/albisteak/2024/jaiak",
        "Webgune honek cookieak erabiltzen ditu zure esperientzia hobetzeko. Onartu.",
        "© 2024 Udala. Eskubide guztiak erreserbatuta.",
        "2019 1.250 3,4\n2020 1.310 3,6\n2021 1.298 3,5",
        "[1] Egilea, Izenburua, 1998.\n[2] Beste egile bat, 2003.",
        "↑ Egilea, Izenburua, 1998.",
        "ISBN 978-84-1234-567-8",
        "* * *",
    ],
)
def test_what_no_reply_should_be_is_passed_over_and_never_reached_over(nothing: str) -> None:
    assert texts(nothing) == []
    assert texts(f"{PARAGRAPH}\n\n{nothing}\n\n{PARAGRAPH}", most=2000) == [PARAGRAPH, PARAGRAPH]


def test_what_only_looks_like_it_stays() -> None:
    about_cookies = "\n\n".join(f"Cookieak fitxategi txikiak dira ({n}). {SENTENCE.strip()}" for n in range(6))
    shopping = "Erosteko:\n\n- ogia\n- gazta\n- arrautzak\n- olioa\n- gatza\n- ura"
    verse = "Hegoak ebaki banizkio\nnerea izango zen\nez zuen alde egingo\nbainan honela\nez zen gehiago txoria izango"
    for text in (about_cookies, shopping, verse):
        assert texts(text, most=2000) == [text]


def test_lines_are_paragraphs_where_no_line_is_blank() -> None:
    broken = "Esaldi honek ez du\nlehen lerroan amaitzen. Baina hemen bai."
    document = f"{PARAGRAPH}\n{broken}\n{PARAGRAPH}"
    assert texts(document, most=290) == [PARAGRAPH, broken, PARAGRAPH]


def test_ten_megabytes_in_one_document_are_cut_too() -> None:
    document = "\n\n".join([PARAGRAPH] * 40_000)
    found = list(passages(document, 200, 4000))
    assert sum(text.count(PARAGRAPH) for _, _, text in found) == 40_000
