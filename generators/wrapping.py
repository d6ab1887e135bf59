"""What models put around a translation they were asked for, and what of it can be taken off without a doubt."""

from __future__ import annotations

_QUOTES = (('"', '"'), ("“", "”"), ("«", "»"), ("„", "“"), ("‘", "’"), ("'", "'"))
# A label such as `Here is the translation:` is a short line.
_LABEL_CHARS = 120


def unwrapped(text: str, source: str) -> str:
    """The translation without a label above it and quotes around it, where its source has none such.

    A label is a first line that ends with a colon, a blank line behind it. Without that blank line it may be the
    translation's own; remarks below one, and a source said once more, cannot be told from it either: these are left to
    the filters.
    """
    text = _unlabelled(text.strip(), source.strip())
    return _unquoted(text, source.strip())


def _unlabelled(text: str, source: str) -> str:
    label, blank, rest = text.partition("\n\n")
    if not blank or not _is_label(label) or _is_label(source.partition("\n\n")[0]):
        return text
    return rest.strip() or text


def _is_label(paragraph: str) -> bool:
    return paragraph.rstrip(" *_").endswith((":", "：")) and "\n" not in paragraph and len(paragraph) <= _LABEL_CHARS


def _unquoted(text: str, source: str) -> str:
    for left, right in _QUOTES:
        inner = text[len(left) : -len(right)]
        around = len(text) > 2 and text.startswith(left) and text.endswith(right)
        if around and left not in inner and right not in inner and not _quoted(source):
            return inner.strip() or text
    return text


def _quoted(text: str) -> bool:
    return text.startswith(tuple(left for left, _ in _QUOTES)) or text.endswith(tuple(right for _, right in _QUOTES))
