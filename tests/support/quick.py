"""What a thousand apps of one test run need not work out a thousand times.

Every test has an app of its own, and each would compile the same templates and the same routes
again: a quarter of the run. What is remembered here is the outcome of pure functions only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask
from jinja2 import BytecodeCache
from werkzeug.routing import Rule

if TYPE_CHECKING:
    from types import CodeType

    from jinja2.bccache import Bucket


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
