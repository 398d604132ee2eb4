"""Every page of every role: no link leads nowhere, and no page reads a whole table.

What a visit costs must not grow with other communities' rows.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any

import pyotp
import pytest
from sqlalchemy import event

from app.core import clock
from app.core.db import db
from app.portal import demo_sign_in
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flask import Flask

# Tables whose rows come with households, visits and years; lists of places stay short.
LARGE = {
    "ballot",
    "desk_confirmation",
    "household",
    "household_code",
    "household_notice",
    "login_session",
    "membership",
    "person",
    "person_notice",
    "poll_voter",
    "post",
    "record_entry",
    "record_opening",
    "seat",
    "security_event",
}
# What a crawl may not do: it only looks.
LEAVES = re.compile(r"/(sign-out|export\.|archive|dossier|letters\.pdf)")


class Plans:
    """Every different statement that was run, with the tables its plan reads from end to end."""

    def __init__(self) -> None:
        self.scans: dict[str, set[str]] = {}

    def look(self, connection: Any, statement: str, parameters: Any) -> None:
        if statement in self.scans or not statement.startswith(("SELECT", "UPDATE", "DELETE")):
            return
        self.scans[statement] = set()
        plan = connection.connection.driver_connection.execute(
            "EXPLAIN QUERY PLAN " + statement, parameters
        ).fetchall()
        for *_ids, detail in plan:
            found = re.match(r"SCAN (\w+)", detail)
            table = self.table(statement, found[1]) if found else ""
            if table in LARGE:
                self.scans[statement].add(f"{detail}: {' '.join(statement.split())[:400]}")

    @staticmethod
    def table(statement: str, name: str) -> str:
        """The table behind an alias."""
        found = re.search(rf"(\w+) AS {name}\b", statement)
        return found[1] if found else name

    def faults(self) -> list[str]:
        return sorted(fault for faults in self.scans.values() for fault in faults)


@pytest.fixture
def plans(web_app: Flask, demo_city: Path) -> Iterator[Plans]:
    seen = Plans()

    def note(connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        seen.look(connection, statement, parameters)

    event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine, "before_cursor_execute", note)


def crawl(client: CheckedClient, start: str, most: int, dead: set[str]) -> int:
    """Follow every link once, breadth first; addresses that differ in ids alone count as one."""
    waiting, known, done = deque([start]), {start}, 0
    while waiting and done < most:
        link = waiting.popleft()
        answer = client.get(link)
        done += 1
        if answer.status_code >= 400:
            dead.add(f"{start}: {link}")
        if answer.mimetype != "text/html":
            continue
        for link in re.findall(r'href="(/[^"#]*)"', answer.text):
            shape = re.sub(r"\d+|/[0-9a-z]{8}\b", "*", link)
            if shape not in known and not LEAVES.search(link) and "/static/" not in link:
                known.add(shape)
                waiting.append(link.replace("&amp;", "&"))
    return done


def test_no_link_is_dead_and_no_page_reads_a_large_table_from_end_to_end(
    web_app: Flask, plans: Plans
) -> None:
    dead: set[str] = set()
    pages = crawl(CheckedClient(web_app), "/", 80, dead)
    resident = CheckedClient(web_app)
    code, fact, _home = demo_sign_in.codes("HXL", 1)[0]
    resident.post("/e", {"code": code, "second_fact": fact, "adult": "y"})
    resident.signed_in = True
    pages += crawl(resident, "/c/HXL/", 120, dead)
    for name in ("gongzuo", "weiyuan", "jiandu", "sheji", "quji", "guanli"):
        staff = CheckedClient(web_app)
        password, secret = demo_sign_in.staff_secret(name)
        digits = pyotp.TOTP(secret).at(clock.now())
        staff.post("/staff/sign-in", {"name": name, "password": password, "totp": digits})
        staff.signed_in = True
        pages += crawl(staff, "/staff/", 120, dead)
    assert pages > 200
    assert not dead, "\n".join(sorted(dead))
    assert not plans.faults(), "\n".join(plans.faults())
