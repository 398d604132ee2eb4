"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
from importlib import import_module
from itertools import chain
from pathlib import Path

import pytest
from jinja2 import Environment, nodes
from sqlalchemy import UniqueConstraint

from app import create_app
from app.config import ROOT
from app.core.db import Base
from app.core.guard import Fresh, Open, access_of, fresh_of
from app.core.record import KINDS
from app.features import MODELS
from tests.conftest import settings_for
from tests.house.fresh_routes import FILES, STEPS
from tests.house.public_routes import PUBLIC

APP = ROOT / "app"
PYTHON = sorted(APP.rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
LONG_ON_PURPOSE = {"verify_record.py"}
# Not of one tenant: accounts, sessions, jobs, jurisdictions, logs, installation values.
NO_TENANT = {
    "account_link",
    "community",
    "job",
    "jurisdiction",
    "jurisdiction_setting",
    "login_session",
    "passkey",
    "passkey_challenge",
    "person",
    "record_log",
    "recovery_code",
    "role_grant",
    "security_event",
    "sent_form",
    "shared_topic",
    "staff_account",
    "system_value",
}
# Their rows belong to a community or to a place above, never to both; the database says so.
OF_EITHER = {"record_entry", "record_opening", "record_checkpoint"}
# Code hashes are unique over all communities: whoever types a code names no community.
UNIQUE_ANYWHERE = {("household_code", "code_hash")}
NOTES = {
    "record",
    "open_now",
    # A ballot that comes in writes its entry; voting/receiving.py.
    "receive",
    # A pledge too, and taking it back; conventions/steps.py.
    "sign",
    "withdraw",
    "security",
    "_note",
    "note_access",
    # An opinion, a proposal, a place in a meeting; writing.py, proposing.py, joining.py.
    "write",
    "propose",
    "join",
    # A topic's move writes its entry; consultations/moves.py.
    "move",
    "tell_household",
    "touch_session",
    # Writes the line of an account that is added; people/credential_steps.py.
    "new_account",
    # Writes the line of a passkey that is kept; people/passkey_steps.py.
    "keep",
    # A question that is asked changes nothing that anybody could miss.
    "new_challenge",
}


def tracked() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in names.split("\0") if name]


def calls(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            found.add(
                function.attr
                if isinstance(function, ast.Attribute)
                else getattr(function, "id", "")
            )
    return found


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: str(p.relative_to(APP)))
def test_only_the_database_commits(path: Path) -> None:
    if path != APP / "core" / "db.py":
        assert "commit" not in calls(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: str(p.relative_to(APP)))
def test_only_the_clock_knows_the_time(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if path != APP / "core" / "clock.py":
        assert not re.search(r"datetime\.(now|utcnow)\(|\btime\.time\(", text)


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: str(p.relative_to(APP)))
def test_no_file_holds_too_much(path: Path) -> None:
    if path.name not in LONG_ON_PURPOSE:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 620


OPERATIONS = [
    pytest.param(function, tree, id=f"{path.parent.name}.{function.name}")
    for path in PYTHON
    if path.name
    in {
        "operations.py",
        "inboxes.py",
        "deciding.py",
        "accounts.py",
        "places.py",
        "memberships.py",
        "setting_operations.py",
        "persons.py",
        "credentials.py",
        "account_links.py",
        "passkey_operations.py",
        "parties.py",
        "saying.py",
        "proxying.py",
        "reaching_out.py",
    }
    for tree in [ast.parse(path.read_text(encoding="utf-8"))]
    for function in tree.body
    if isinstance(function, ast.FunctionDef) and not function.name.startswith("_")
]


@pytest.mark.parametrize(("function", "tree"), OPERATIONS)
def test_an_operation_takes_its_actor_opens_one_transaction_and_leaves_a_line(
    function: ast.FunctionDef, tree: ast.Module
) -> None:
    helpers = {f.name: f for f in tree.body if isinstance(f, ast.FunctionDef)}
    done = calls(function)
    reached: set[str] = set()
    while names := (done & set(helpers)) - reached:
        reached |= names
        done |= set(chain.from_iterable(calls(helpers[name]) for name in names))
    assert function.args.args[0].arg == "actor"
    assert ast.get_docstring(function)
    assert "transaction" in done
    assert done & NOTES or function.name in {"touch_session", "sign_hourly"}
    public = {name for name in helpers if not name.startswith("_")}
    assert not (done & public) - {function.name}, "an operation never calls another"


@pytest.mark.parametrize(
    "path", [p for p in PYTHON if p.name == "rules.py"], ids=lambda p: p.parent.name
)
def test_rules_have_docstrings_and_no_floats(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
    assert not [
        n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, float)
    ]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: str(p.relative_to(ROOT)))
def test_templates_only_show(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\|\s*safe\b|hx-on|<style|\sstyle=|\son[a-z]+=", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    tree = Environment(autoescape=True, extensions=["jinja2.ext.i18n"]).parse(text)
    arithmetic = (nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Pow)
    assert not list(tree.find_all(arithmetic))
    ordering = {op.op for op in tree.find_all(nodes.Operand)} & {"lt", "lteq", "gt", "gteq"}
    assert not ordering


def test_every_public_route_is_named_here(tmp_path: Path) -> None:
    app = create_app(settings_for(f"sqlite:///{tmp_path}/x.sqlite3", tmp_path))
    found = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if access_of(app, rule.endpoint) is Open.PUBLIC
    }
    assert found == PUBLIC


def test_every_step_that_wants_a_fresh_proof_is_named_here(tmp_path: Path) -> None:
    app = create_app(settings_for(f"sqlite:///{tmp_path}/x.sqlite3", tmp_path))
    found: dict[Fresh, set[str]] = {kind: set() for kind in Fresh}
    for rule in app.url_map.iter_rules():
        kind = fresh_of(app, rule.endpoint)
        if kind is not None:
            found[kind].add(rule.endpoint)
    assert found == {Fresh.STEP: STEPS, Fresh.FILE: FILES}


def test_a_route_without_declared_access_stops_the_start(tmp_path: Path) -> None:
    from app.core.guard import refuse_undeclared

    app = create_app(settings_for(f"sqlite:///{tmp_path}/x.sqlite3", tmp_path))
    app.add_url_rule("/open-door", "open_door", lambda: "x")
    with pytest.raises(RuntimeError, match="/open-door"):
        refuse_undeclared(app)


@pytest.mark.parametrize("table", Base.metadata.sorted_tables, ids=lambda t: t.name)
def test_every_row_belongs_to_a_community(table: object) -> None:
    name = table.name  # type: ignore[attr-defined]
    if name in NO_TENANT:
        return
    assert "community_id" in table.columns  # type: ignore[attr-defined]
    assert table.columns["community_id"].nullable == (name in OF_EITHER)  # type: ignore[attr-defined]
    if name in OF_EITHER:
        assert f"ck_{name}_one_tenant" in {c.name for c in table.constraints}  # type: ignore[attr-defined]
    for constraint in table.constraints:  # type: ignore[attr-defined]
        if isinstance(constraint, UniqueConstraint):
            columns = [column.name for column in constraint.columns]
            assert columns[0] == "community_id" or (name, columns[0]) in UNIQUE_ANYWHERE, columns


def test_migrations_import_nothing_of_the_app() -> None:
    for path in (ROOT / "migrations" / "versions").glob("*.py"):
        assert not re.search(
            r"^\s*(from|import) app\b", path.read_text(encoding="utf-8"), re.MULTILINE
        )


def test_the_project_carries_no_machine_and_nothing_left_for_later() -> None:
    words = re.compile("/wo" + r"rk/|/ro" + r"ot/|\bTO" + r"DO\b|\bFIX" + r"ME\b|\bXX" + r"X\b")
    for path in tracked():
        if (
            path.suffix in {".py", ".html", ".md", ".sh", ".toml", ".js", ".css", ".typ", ".txt"}
            and "vendor" not in path.parts
            and path.exists()
        ):
            assert not words.search(path.read_text(encoding="utf-8")), path


def test_the_record_format_lists_every_kind_with_its_facts() -> None:
    for name in MODELS:
        import_module(name)
    text = (ROOT / "docs" / "record-format.md").read_text(encoding="utf-8")
    rows = re.findall(
        r"^\| `([a-z_]+\.[a-z_]+)` \| `([^`]*)` \| (?:`([^`]*)`)? ?\|", text, re.MULTILINE
    )
    documented = {
        name: (
            frozenset(facts.split(", ")),
            frozenset(private.split(", ")) if private else frozenset(),
        )
        for name, facts, private in rows
    }
    assert documented == {
        kind.name: (kind.facts, kind.private)
        for kind in KINDS.values()
        if not kind.name.startswith("test.")
    }
