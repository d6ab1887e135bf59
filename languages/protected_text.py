"""What of a text no translation may change: code, formulas, addresses, markup, template fields, names of files."""

from __future__ import annotations

import re

_FILE_TYPES = (
    r"py|ipynb|js|ts|tsx|jsx|java|kt|c|h|cpp|hpp|cs|go|rs|rb|php|swift|scala|sh|bash|bat|ps1|sql|html?|css|scss|xml"
    r"|json|jsonl|ya?ml|toml|ini|cfg|conf|env|md|rst|txt|csv|tsv|log|tex|bib|pdf|docx?|xlsx?|pptx?|odt|ods|png|jpe?g"
    r"|gif|svg|webp|mp3|mp4|wav|zip|tar|gz|parquet|db|sqlite|exe|dll|so|lock"
)
# Commands of LaTeX whose argument is prose: only their names are protected.
_PROSE_COMMANDS = r"text\w*|emph|underline|(?:sub)*section\*?|paragraph|title|caption|item|footnote|chapter"
_ATTRIBUTE = r"""\s+[\w:@.-]{1,60}\s*=\s*(?:"[^"<>\n]{0,300}"|'[^'<>\n]{0,300}'|[^\s"'<>=`]{1,300})"""
# Lengths are bounded so that thousands of opening marks without a closing one stay cheap.
_PIECE = re.compile(
    rf"""
      # a fence that is never closed runs to the end, as in CommonMark
      (?m:^)[ \t>]*(?P<bar>`{{3,}}(?!`)|~{{3,}}(?!~))[^\n]*\n(?s:.*?)(?:(?m:^)[ \t>]*(?P=bar)[`~]*[ \t]*(?m:$)|\Z)
      # placeholders and their marks that the text holds itself
    | ⟦[^⟦⟧\n]{{0,40}}⟧ | [⟦⟧]
      # HTML whose content is no prose
    | <!--(?s:.{{0,1000}}?)--> | <(?P<element>script|style|pre|code)\b[^>]{{0,300}}>(?s:.{{0,4000}}?)</(?P=element)\s*>
      # inline code
    | (?P<tick>`{{1,2}})(?!`)[^`\n]+(?P=tick)
      # LaTeX; $...$ by pandoc's rule, so that prices stay
    | \$\$(?s:.{{1,2000}}?)\$\$ | \\\[(?s:.{{1,1000}}?)\\\] | \\\((?s:.{{1,500}}?)\\\)
    | \\begin\{{(?P<environment>\w{{1,30}}\*?)\}}(?s:.{{0,2000}}?)\\end\{{(?P=environment)\}}
    | (?<![\\\w$])\$(?=[^\s$])[^$\n]{{0,300}}?(?<=[^\s\\])\$(?!\d)
      # addresses; what ends a sentence is not theirs
    | (?:https?|ftp)://[^\s<>"⟦⟧)\]]*[^\s<>"⟦⟧)\].,;:!?'*_] | \bwww\.[^\s<>"⟦⟧)\]]*[^\s<>"⟦⟧)\].,;:!?'*_]
    | (?<![\w.+-])[\w.+-]{{1,64}}@[\w-]{{1,63}}(?:\.[\w-]{{1,63}})+
      # tags, characters and fields in capitals: <b>, </p>, <a href="...">, <YOUR NAME>, [YOUR NAME]
    | </?[A-Za-z][\w:-]{{0,60}}(?:{_ATTRIBUTE}){{0,20}}\s*/?>
    | <[A-Z][A-Z0-9_\ -]{{0,60}}> | \[[A-Z][A-Z0-9_\ -]{{1,60}}\](?!\()
    | &(?:[A-Za-z]{{2,8}}|\#\d{{2,6}});
      # fields of templates: {{{{name}}}}, ${{name}}, {{name}}, {{0}}, %(name)s, %1$s, %-5d
    | \{{\{{[^{{}}\n]{{1,60}}\}}\}} | \$?\{{[A-Za-z_][\w.:\[\]-]{{0,40}}\}} | \{{\d{{0,2}}\}}
    | (?<![\w%])%(?:\(\w{{1,40}}\)|\d{{1,2}}\$)?[-+\#0]{{0,3}}\d{{0,3}}(?:\.\d{{1,2}})?[sdifgeEGxXrcu](?!\w)
      # paths and names of files
    | \b[A-Za-z]:\\[^\s"<>|?*⟦⟧]{{1,200}}
    | (?<![\w/.:])(?:~|\.{{1,2}})?/(?:[\w.@+-]{{1,80}}/)+(?:[\w.@+-]{{0,79}}[\w@+-])?
    | (?<![\w/.:])(?:~|\.{{1,2}})/[\w.@+-]{{0,79}}[\w@+-]
    | (?<![\w/.])(?:[\w.-]{{1,80}}/){{0,20}}[\w-]{{1,80}}(?:\.[\w-]{{1,20}}){{0,2}}\.(?:{_FILE_TYPES})(?!\w)
      # commands of LaTeX
    | \\(?:{_PROSE_COMMANDS})(?![A-Za-z]) | \\[A-Za-z]{{1,30}}\*?(?:\{{[^{{}}\n]{{0,200}}\}}){{0,3}}
      # calls, dotted and snake_case names of programs
    | (?<![\w.])[A-Za-z_]\w{{0,60}}(?:\.[A-Za-z_]\w{{0,60}}){{0,6}}\(\)
    | (?<![\w.])[A-Za-z_]\w{{1,60}}(?:\.[A-Za-z_]\w{{1,60}}){{2,6}}(?!\w)
    | (?<![\w*])[A-Za-z][A-Za-z0-9]{{0,40}}(?:_[A-Za-z0-9]{{1,40}}){{1,8}}(?![\w])
    """,
    re.VERBOSE,
)


def protected_spans(text: str) -> list[tuple[int, int]]:
    """Where the protected pieces lie, in their order; pieces that touch are one."""
    spans: list[tuple[int, int]] = []
    for found in _PIECE.finditer(text):
        start, end = found.span()
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return spans


def protected_pieces(text: str) -> list[str]:
    """The protected pieces, in their order, one as often as it stands there."""
    return [text[start:end] for start, end in protected_spans(text)]


def without_protected(text: str) -> str:
    """The text with a space for each protected piece: what there is to translate."""
    kept: list[str] = []
    at = 0
    for start, end in protected_spans(text):
        kept.append(text[at:start])
        at = end
    return " ".join((*kept, text[at:]))
