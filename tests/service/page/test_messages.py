"""The words of the interface are there in both languages, and none is left over."""

from __future__ import annotations

import re

from service.page_routes import page_files

MESSAGE = re.compile(r"^  '([a-z_.]+)': (.+),$", re.MULTILINE)


def messages(language: str) -> dict[str, str]:
    return dict(MESSAGE.findall(page_files()[f"i18n/{language}.js"].body.decode()))


def source() -> str:
    files = page_files().items()
    return "\n".join(file.body.decode() for name, file in files if not name.startswith(("i18n/", "swagger/")))


def holes(message: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", message)) - {"n"}


def test_both_languages_say_the_same_things() -> None:
    english, basque = messages("en"), messages("eu")
    assert len(english) > 150 and english.keys() == basque.keys()
    assert {key: holes(text) for key, text in english.items()} == {key: holes(text) for key, text in basque.items()}


def test_every_message_that_is_asked_for_is_there_and_every_one_is_asked_for() -> None:
    text, there = source(), set(messages("en"))
    asked = set(re.findall(r"\bt\('([a-z_.]+)'", text)) | set(re.findall(r'data-t(?:-label)?="([a-z_.]+)"', text))
    assert asked <= there, asked - there
    begun = set(re.findall(r"\bt\(`([a-z_.]+)\$\{", text)) | {
        f"{kind}." for kind in re.findall(r"word\('([a-z]+)'", text)
    }
    named = set(re.findall(r"'([a-z]+(?:\.[a-z_]+)+)'", text))
    unused = {key for key in there - asked - named if not key.startswith(tuple(begun))}
    assert not unused, unused
