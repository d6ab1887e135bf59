"""Names and headings that chat formats and templates leave in a turn, in the pack's language and in English."""

from __future__ import annotations

import re

from languages.pack import Markers

# English ones come with the models, whatever the language of the conversation.
GENERIC = Markers(
    user=("user", "human"),
    assistant=("assistant", "ai"),
    system=("system",),
    question=("instruction", "question"),
    answer=("response", "answer"),
    input=("input",),
    output=("output",),
    step=("step",),
)

# A line's start, a heading's or quotation's marks and bold type included; list items are left alone.
_LINE = r"^[ \t]*(?:[#>][ \t]*)*(?:\*\*|__)?"
_COLON = r"[*_]*[ \t]*[:：](?:\*\*|__)?"
_FLAGS = re.MULTILINE | re.IGNORECASE


def _any(*kinds: str, markers: Markers) -> str:
    names = [name for kind in kinds for source in (GENERIC, markers) for name in getattr(source, kind)]
    return "|".join(re.escape(name) for name in names)


def role_label(markers: Markers, *kinds: str) -> re.Pattern[str]:
    """A name before a colon at the start of a line: `Laguntzailea:`, `**User:**`, `### Galdera:`."""
    return re.compile(rf"{_LINE}(?:{_any(*kinds, markers=markers)}){_COLON}[ \t]*", _FLAGS)


def bare_role() -> re.Pattern[str]:
    """`user` or `assistant` alone on a line, as a header is left when its tokens are not shown."""
    return re.compile(r"^[ \t]*(?:user|assistant)[ \t]*$", _FLAGS)


def template_field(markers: Markers) -> re.Pattern[str]:
    """A field's name as a heading with a colon (`### Erantzuna:`); without the marks it is an everyday heading."""
    fields = _any("question", "answer", "input", "output", markers=markers)
    return re.compile(rf"^[ \t]*#{{2,6}}[ \t]*(?:\*\*|__)?(?:{fields}){_COLON}", _FLAGS)


def first_step(markers: Markers) -> re.Pattern[str]:
    """The heading of the first step of a procedure: `1. urratsa`, `## Step 1:`, `**Urratsa 1**`."""
    steps = _any("step", markers=markers)
    return re.compile(rf"{_LINE}(?:1\.?[ªº]?[ \t]+(?:{steps})|(?:{steps})[ \t]+1)\b", _FLAGS)
