"""What a thousand apps of one test run need not work out a thousand times.

Every test has an app of its own, and each would compile the same templates, routes and statements
again: nearly half of the run. What is remembered here is the outcome of pure functions only.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from flask import Flask
from jinja2 import BytecodeCache
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

if TYPE_CHECKING:
    from types import CodeType

    from jinja2.bccache import Bucket

MOST_STATEMENTS = 5000


class InMemory(BytecodeCache):
    """Compiled templates by name and text, for all apps of this process."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self.kept[bucket.key, bucket.checksum] = bucket.code


def remember_templates() -> None:
    """Compile each template once for all apps."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": InMemory()}


def remember_routes() -> None:
    """Compile the way from a route to its address once for all apps.

    What Werkzeug makes is a plain function of the rule's text and defaults; it is bound to its rule
    afterwards and asks that for its converters.
    """
    compile_anew: Any = Rule._compile_builder
    made: dict[tuple[Any, ...], Any] = {}

    def compile_once(rule: Rule, append_unknown: bool = True) -> Any:
        key = (rule.rule, rule.subdomain, rule.host, repr(rule.defaults), append_unknown)
        if key not in made:
            made[key] = compile_anew(rule, append_unknown)
        return made[key]

    Rule._compile_builder = compile_once  # type: ignore[method-assign]


def remember_parts() -> None:
    """Take a route's text apart once for all apps; its converters belong to each map anew."""
    parse_anew: Any = Rule._parse_rule
    known: dict[tuple[Any, ...], tuple[list[Any], list[Any], list[Any]]] = {}

    def parse_once(rule: Rule, text: str) -> list[Any]:
        key = (text, *sorted(rule.map.converters.items(), key=itemgetter(0)))
        if key not in known:
            before, asked = len(rule._trace), []

            def get_and_note(name: str, *wanted: Any) -> Any:
                asked.append((name, *wanted))
                return Rule.get_converter(rule, name, *wanted)

            rule.get_converter = get_and_note  # type: ignore[method-assign]
            parts = list(parse_anew(rule, text))
            del rule.get_converter
            known[key] = parts, rule._trace[before:], asked
            return parts
        parts, trace, asked = known[key]
        for name, *wanted in asked:
            rule._converters[name] = rule.get_converter(name, *wanted)
            rule.arguments.add(name)
        rule._trace += trace
        return parts

    Rule._parse_rule = parse_once  # type: ignore[method-assign]


def remember_statements() -> None:
    """Compile each statement once an engine's kind for all databases.

    SQLAlchemy keeps what it compiled by dialect, which is another object for each database. Those
    of one kind are all made with the same options and speak to the same server here, so they count
    as one.
    """
    for kind in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        kind.__eq__ = lambda mine, other: type(mine) is type(other)  # type: ignore[assignment,method-assign]
        kind.__hash__ = lambda mine: hash(type(mine))  # type: ignore[assignment,method-assign]
    kept: dict[str, LRUCache[Any, Any]] = {}

    def of_its_kind(engine: Engine) -> LRUCache[Any, Any]:
        return kept.setdefault(engine.dialect.name, LRUCache(MOST_STATEMENTS))

    # Each engine would set a cache of its own; it is told that it has, and reads the common one.
    Engine._compiled_cache = property(of_its_kind, lambda _engine, _own: None)  # type: ignore[assignment]
