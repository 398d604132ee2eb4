"""The catalogue is whole, says the same in both languages, and its tool finds what is not."""

from __future__ import annotations

import ast
import gettext
import importlib.util
import io
import re
from typing import TYPE_CHECKING, Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import Environment, nodes

from app.config import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_spec = importlib.util.spec_from_file_location("words_tool", ROOT / "tools" / "words.py")
assert _spec is not None
assert _spec.loader is not None
words: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(words)

NAMES = re.compile(r"%\((\w+)\)([a-z])")


CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
HAN = re.compile(r"[\u3400-\u9fff]")
WRAPS = {"_", "_l", "counted"}
# The five seals, and the name of a language in that language.
CHINESE_IN_BOTH = {"谋", "建", "管", "评", "享", "中文"}
# Files that speak to readers of pages; elsewhere Chinese is data: what rolls say, the record.
SPEAKING = {"views", "forms", "words", "refusals", "showing", "chrome", "board", "chain", "inboxes"}


def catalogue(*messages: tuple[Any, Any], fuzzy: bool = False) -> Catalog:
    made = Catalog(locale="en")
    for source, english in messages:
        made.add(source, english, flags={"fuzzy"} if fuzzy else ())
    return made


@pytest.fixture(scope="module")
def code() -> Catalog:
    found: Catalog = words.read_code()
    return found


def test_the_english_is_whole(code: Catalog) -> None:
    assert words.check(code, words.read_catalogue()) == []
    assert sum(1 for message in code if message.id) > 1500


def test_the_files_are_what_the_tool_writes(code: Catalog) -> None:
    po = words.as_po(words.up_to_date(code, words.read_catalogue()))
    assert words.PO.read_bytes() == po
    assert words.PO.with_suffix(".mo").read_bytes() == words.as_mo(po)
    again = read_po(io.BytesIO(po), locale="en")
    assert words.as_po(words.up_to_date(code, again)) == po


def test_the_files_carry_no_date_no_version_and_no_line(code: Catalog) -> None:
    text = words.PO.read_text()
    churn = re.compile(r"POT-Creation-Date|PO-Revision-Date|Generated-By|^#: .*:\d", re.MULTILINE)
    assert not churn.search(text)
    compiled = words.PO.with_suffix(".mo").read_bytes()
    assert b"Date" not in compiled
    assert b"Babel" not in compiled


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_every_text_takes_its_values_in_both_languages(data: st.DataObject) -> None:
    compiled = gettext.GNUTranslations(io.BytesIO(words.PO.with_suffix(".mo").read_bytes()))
    catalog: Any = compiled._catalog  # type: ignore[attr-defined]
    source = data.draw(st.sampled_from(sorted(key for key in catalog if isinstance(key, str))))
    if not source:
        return
    texts = st.text(max_size=9)
    values = {
        name: data.draw(st.integers() if kind == "d" else texts)
        for name, kind in NAMES.findall(source)
    }
    for text in (source, compiled.gettext(source)):
        if values:
            said = text % values
            assert all(str(value) in said for value in values.values())


def test_one_and_several_are_told_apart() -> None:
    compiled = gettext.GNUTranslations(io.BytesIO(words.PO.with_suffix(".mo").read_bytes()))
    assert [compiled.ngettext("户", "户", n) for n in (0, 1, 2)] == [
        "households",
        "household",
        "households",
    ]


@pytest.mark.parametrize(
    ("english", "complaint"),
    [
        (catalogue(), "not in the catalogue: 还有 %(days)s 天"),
        (catalogue(("还有 %(days)s 天", "")), "no English: 还有 %(days)s 天"),
        (
            catalogue(("还有 %(days)s 天", "%(days)s days"), ("旧的", "old")),
            "no longer in the code",
        ),
        (catalogue(("还有 %(days)s 天", "some days")), "has the placeholders [] instead of"),
        (catalogue(("还有 %(days)s 天", "%(day)s days")), "has the placeholders ['day']"),
        (catalogue(("还有 %(days)s 天", "%(days)s 天")), "has Chinese in its English"),
        (catalogue(("还有 %(days)s 天", "%(days)s days ")), "begins or ends with a space"),
        (catalogue(("还有 %(days)s 天", "%(days)s days"), fuzzy=True), "is marked fuzzy"),
        (
            catalogue((("还有 %(days)s 天", "还有 %(days)s 天"), ("one day", ""))),
            "no English: 还有 %(days)s 天",
        ),
    ],
)
def test_the_check_finds_what_is_wrong(english: Catalog, complaint: str) -> None:
    lines = words.check(catalogue(("还有 %(days)s 天", None)), english)
    assert any(complaint in line for line in lines), lines


def test_a_new_text_comes_in_empty_and_a_lost_one_goes_without_guessing() -> None:
    old = catalogue(("还有三天", "Three days left"), ("户", "household"))
    new = words.up_to_date(catalogue(("还有四天", None), (("户", "户"), None)), old)
    assert new.get("还有三天") is None
    assert new.get("还有四天").string == ""
    assert not new.get("还有四天").fuzzy
    assert new.get("户").string == ("household", "")
    assert [message.id for message in words.untranslated(new)] == [("户", "户"), "还有四天"]


def test_an_obsolete_entry_in_the_file_is_found(tmp_path: Path) -> None:
    text = words.as_po(catalogue(("新的", "new"))).decode() + '\n#~ msgid "旧的"\n#~ msgstr "old"\n'
    read = read_po(io.StringIO(text), locale="en")
    assert words.check(catalogue(("新的", None)), read) == ["no longer in the code: 旧的"]


def _wrapped(tree: ast.AST) -> set[int]:
    return {
        id(part)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in WRAPS
        for argument in call.args
        for part in ast.walk(argument)
    }


def test_whatever_the_code_says_to_readers_can_be_translated() -> None:
    bare = []
    for path in sorted((ROOT / "app").rglob("*.py")):
        if path.stem not in SPEAKING or path.parent.name == "core":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        docs = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, documented) and isinstance(node.body[0], ast.Expr)
        }
        bare += [
            f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and HAN.search(node.value)
            and id(node) not in docs | _wrapped(tree)
        ]
    assert not bare


def test_whatever_a_template_says_can_be_translated() -> None:
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    bare = []
    for path in sorted((ROOT / "templates").rglob("*.html")):
        tree = environment.parse(path.read_text(encoding="utf-8"))
        wrapped = {
            id(text)
            for call in tree.find_all(nodes.Call)
            if isinstance(call.node, nodes.Name) and call.node.name in WRAPS
            for text in call.find_all(nodes.Const)
        }
        texts = [node.data for node in tree.find_all(nodes.TemplateData)]
        texts += [str(n.value) for n in tree.find_all(nodes.Const) if id(n) not in wrapped]
        bare += [
            f"{path.relative_to(ROOT)}: {text.strip()[:60]}"
            for text in texts
            if CHINESE.search(text) and text not in CHINESE_IN_BOTH
        ]
    assert not bare


def test_the_scripts_say_the_same_things_in_both_languages() -> None:
    script = (ROOT / "static/js/app.js").read_text(encoding="utf-8")
    tables = re.findall(r"\{ (busy: .*?) \}", script, flags=re.DOTALL)
    english, chinese = (dict(re.findall(r'(\w+): "([^"]*)"', table)) for table in tables)
    assert english.keys() == chinese.keys()
    assert all(("{n}" in english[key]) == ("{n}" in chinese[key]) for key in english)
    assert not any(CHINESE.search(text) for text in english.values())
    for path in (ROOT / "static/js").glob("*.js"):
        code = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert path.name == "app.js" or not CHINESE.search(code), path
