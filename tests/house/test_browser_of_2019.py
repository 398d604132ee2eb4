"""What our scripts and styles ask of a browser: scripts ES2015, styles of 2019 or decoration."""

from __future__ import annotations

import gzip
import re
from typing import TYPE_CHECKING, Any

import esprima
import pytest

from app.config import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STATIC = ROOT / "static"
# htmx alone may be newer: it refreshes a figure at the desk, and nothing waits for it.
SCRIPTS = sorted((STATIC / "js").glob("*.js")) + sorted(STATIC.glob("vendor/signature_pad*/*.js"))
# Methods a browser of early 2019 does not have, or has under conditions nobody remembers.
YOUNG_CALLS = re.compile(
    r"\.(?:flat|flatMap|replaceAll|matchAll|at|allSettled|any|fromEntries|replaceChildren"
    r"|requestSubmit|toSorted|findLast|groupBy|structuredClone|hasOwn|finally)\("
)


def nodes(tree: Any) -> Iterator[Any]:
    """Every node of a syntax tree."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(getattr(node, "type", None), str):
            yield node
            waiting.extend(value for value in vars(node).values() if value is not None)


def newer_than_2015(script: str) -> list[str]:
    """The syntax in a script that came after ES2015."""
    found = []
    for node in nodes(esprima.parseScript(script)):
        kind, operator = node.type, str(getattr(node, "operator", ""))
        about = {
            "optional chaining": kind == "ChainExpression" or bool(getattr(node, "optional", None)),
            "a newer operator": operator in {"**", "**=", "??", "??=", "||=", "&&="},
            "an asynchronous function": bool(getattr(node, "isAsync", None))
            or bool(getattr(node, "async", None))
            or kind == "AwaitExpression",
            "a class field": kind in {"PropertyDefinition", "FieldDefinition", "StaticBlock"}
            or kind.startswith("Private"),
            "a catch without a name": kind == "CatchClause" and node.param is None,
            "spread of an object": kind in {"ObjectExpression", "ObjectPattern"}
            and any(part.type in {"SpreadElement", "RestElement"} for part in node.properties),
            "a newer number": kind == "Literal"
            and bool(re.fullmatch(r"[0-9_]*(?:_[0-9_]*|n)", str(getattr(node, "raw", "")))),
            "a newer pattern": bool(getattr(node, "regex", None))
            and bool(re.search(r"\(\?<", node.regex.pattern) or set(node.regex.flags) & set("sdv")),
            "import()": kind in {"ImportExpression", "Import"},
        }
        found += [name for name, is_so in about.items() if is_so]
    return found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_browser_of_2019_can_read_every_script_but_htmx(script: Path) -> None:
    text = script.read_text()
    assert newer_than_2015(text) == []
    assert YOUNG_CALLS.findall(text) == []


@pytest.mark.parametrize(
    "newer",
    [
        "a?.b",
        "a ?? b",
        "a ??= b",
        "async function f() {}",
        "2 ** 3",
        "class A { x = 1 }",
        "class A { #p = 1 }",
        "try { a() } catch { b() }",
        "f({ ...a })",
        "let { a, ...b } = c",
        "1_000",
        "10n",
        "/(?<name>a)/",
        "/a/s",
    ],
)
def test_newer_syntax_would_be_seen(newer: str) -> None:
    assert newer_than_2015(newer)


def test_syntax_of_2015_is_not_mistaken_for_newer() -> None:
    old = "class A { m() {} } let [a, ...b] = f(...c); const g = () => `${a}`; try {} catch (e) {}"
    assert newer_than_2015(old) == []


# The year in which the last of Chrome, Safari and Firefox learnt what is younger than 2019, and why
# a page does without it.
YOUNG_STYLE = {
    "accent-color": "2022: boxes are blue instead of green",
    "color-scheme": "2022: a phone that darkens pages may darken this one",
    "gap": "2021: margins in `@supports not (inset: 0)`",
    "text-underline-offset": "2020: the line is nearer to the word",
    "text-size-adjust": "the prefixed one stands beside it",
    ":has": "2023: the dot alone says what is chosen",
    ":focus-visible": "2022: the browser's own ring is left alone",
    "anywhere": "2022: `word-wrap: break-word` stands beside it",
    "min(": "2020: a size in rem stands before it",
    "only": "2022: `color-scheme: light` stands before it",
}
_OLD = (
    "counter-increment counter-reset "
    "-webkit-text-size-adjust align-items align-self background border border-bottom "
    "border-collapse border-color border-left border-left-width border-radius border-top "
    "border-width bottom box-shadow box-sizing clear clip-path color content cursor display "
    "fill flex flex-basis flex-direction flex-wrap float font font-family font-size "
    "font-variant-numeric font-weight grid-template-columns height justify-content left "
    "letter-spacing line-height list-style margin margin-bottom margin-left margin-right "
    "margin-top max-height max-width min-height min-width opacity order outline outline-offset "
    "overflow overflow-wrap overflow-x padding padding-bottom padding-left padding-right "
    "padding-top position right scroll-padding stroke stroke-dasharray stroke-linecap "
    "stroke-linejoin stroke-width text-align text-decoration text-transform top touch-action "
    "transform vertical-align white-space width word-break word-wrap z-index "
)
OLD_STYLE = frozenset(_OLD.split())


def style() -> str:
    """The style sheet without its remarks."""
    return re.sub(r"/\*.*?\*/", "", (STATIC / "css/app.css").read_text(), flags=re.DOTALL)


def test_styles_are_of_2019_or_can_be_done_without() -> None:
    declared = {
        part.partition(":")[0].strip()
        for block in re.findall(r"\{([^{}]*)\}", style())
        for part in block.split(";")
        if ":" in part
    }
    young = {name for name in declared - OLD_STYLE if not name.startswith("--")}
    assert young <= set(YOUNG_STYLE), young - set(YOUNG_STYLE)


def test_selectors_and_functions_are_of_2019_or_can_be_done_without() -> None:
    young = (
        r":has|:is\b|:where|:focus-visible|\bclamp\(|(?<![a-z])(?:min|max)\(|@layer|@container"
        r"|aspect-ratio|[0-9][sdl]vh"
    )
    used = set(re.findall(young, style()))
    assert used <= set(YOUNG_STYLE), used - set(YOUNG_STYLE)


def test_a_young_selector_never_takes_an_old_rule_with_it() -> None:
    """A browser drops the whole rule when it cannot read one selector of it."""
    for selectors in re.findall(r"([^{}]+)\{", style()):
        if re.search(r":has|:focus-visible", selectors):
            assert "," not in selectors, selectors


def test_nothing_moves_unless_touched() -> None:
    assert not re.search(r"\b(?:animation|transition|scroll-behavior|@keyframes)\b", style())


def test_the_style_stays_small() -> None:
    assert len(gzip.compress((STATIC / "css/app.css").read_bytes())) <= 10 * 1024
