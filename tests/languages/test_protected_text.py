"""What of a text no translation may change, and what is prose all the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from languages.protected_text import protected_pieces, protected_spans, without_protected

WRITTEN = (
    r"` ``` ~~~ $ $$ \( \) \[ \] { } {x} %s < > </b> ⟦ ⟧ ⟦1⟧ a B _ / . .py @ https:// \begin{a} \end{a} <!-- --> 0 ()"
)
MARKS = st.sampled_from(["\n", " ", *WRITTEN.split()])
TEXTS = st.lists(st.one_of(MARKS, st.text(max_size=5)), max_size=30).map("".join)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Use `x` here", ["`x`"]),
        ("Run it:\n```py\nprint('a')\n```\nDone", ["```py\nprint('a')\n```"]),
        ("It never ends:\n~~~\ncode", ["~~~\ncode"]),
        ("Since $a+b$, \\(x\\) and \\[y\\] and $$z$$ hold", ["$a+b$", "\\(x\\)", "\\[y\\]", "$$z$$"]),
        ("\\begin{align*}x&=y\\end{align*} so", ["\\begin{align*}x&=y\\end{align*}"]),
        ("A half is \\frac{a}{b}, \\alpha", ["\\frac{a}{b}", "\\alpha"]),
        ("Write \\textbf{bold words}", ["\\textbf"]),
        ("See https://a.eus/b?c=1. Or www.a.eus, or me@a.eus!", ["https://a.eus/b?c=1", "www.a.eus", "me@a.eus"]),
        ("A [link](https://a.eus/b) and ![image](./b.png)", ["https://a.eus/b", "./b.png"]),
        ('<a href="b c">text</a> &nbsp; <br/>', ['<a href="b c">', "</a>", "&nbsp;", "<br/>"]),
        ("<code>print the value</code>", ["<code>print the value</code>"]),
        ("Dear {name}, {{ city }}, ${total}, {0}", ["{name}", "{{ city }}", "${total}", "{0}"]),
        ("%s has %(count)d of %5.2f", ["%s", "%(count)d", "%5.2f"]),
        ("<YOUR NAME> of [COMPANY NAME]", ["<YOUR NAME>", "[COMPANY NAME]"]),
        ("Open /etc/hosts, ~/notes or C:\\Users\\me", ["/etc/hosts", "~/notes", "C:\\Users\\me"]),
        ("In src/main.py and README.md.", ["src/main.py", "README.md"]),
        ("Call print() or os.path.join, not my_name", ["print()", "os.path.join", "my_name"]),
        ("</b></i> together", ["</b></i>"]),
        ("It says ⟦1⟧ and ⟦ alone", ["⟦1⟧", "⟦"]),
    ],
)
def test_pieces(text: str, pieces: list[str]) -> None:
    assert protected_pieces(text) == pieces


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 or $10, and 50% do not pay",
        "and/or, either / both, 3/4, 12.5, 10:30, km/h",
        "if a < b and c > d",
        "a _very_ good *idea* and a **bold** one",
        "the set {1, 2, 3} and [1] and [a note](here)",
        "Mr. Smith of the U.S.A. came at 5 p.m., e.g. today.",
        "Well...what? Yes (really)",
    ],
)
def test_prose_stays(text: str) -> None:
    assert protected_pieces(text) == []
    assert without_protected(text) == text


@given(TEXTS)
def test_spans_are_in_order_and_never_touch(text: str) -> None:
    at = -1
    for start, end in protected_spans(text):
        assert at < start < end <= len(text)
        at = end
    assert "⟦" not in without_protected(text)
    assert "⟧" not in without_protected(text)
