"""A resident sees and takes away everything that is kept about them, and nobody else's."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from app.consultations import operations as topics
from app.core import clock
from app.core.actor import Role
from app.core.db import Base, transaction
from app.people.models import LoginSession
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from tests.support.world import Place, World

PAGE = "/c/HXL/mine/data"
# Where a table that names a person is told of; the others are of staff alone, or name who acted.
TOLD = {
    "membership": "households",
    "login_session": "sign_ins",
    # Its lines are told of by how long they are kept.
    "security_event": "sign_ins",
    "ballot": "ballots",
    "poll_voter": "ballots",
    "late_token": "ballots",
    "post": "opinions",
    "shared_opinion": "opinions",
    "topic": "topics",
    "attachment": "topics",
    "seat": "meetings",
    "role_grant": "roles",
    "role_proposal": "roles",
    "body_acting": "bodies",
    "convention_signature": "pledges",
    "person_notice": "inbox",
    "correction_request": "corrections",
}
OF_STAFF = {"staff_account", "account_link", "role_stand_in", "proposal", "meeting"} | {
    "roll_upload",
    # Who acted for which household; nobody who signs in is its seat.
    "desk_visit",
    "owner_set",
    "poll",
    # Of a household, shown to it on 我的; they name who entered it, or a holder who never signs in.
    "poll_proxy",
    "paper_request",
    "paper_handed",
    "home_visit",
    "turnout_look",
}


@pytest.fixture
def place(web_world: World, fixed_clock: datetime) -> Place:
    return web_world.community("HXL", 4)


def data(client: CheckedClient) -> dict[str, Any]:
    answer = client.get(f"{PAGE}.json")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Cache-Control"] == "no-store"
    found: dict[str, Any] = json.loads(answer.data)
    return found


def test_every_table_that_names_a_person_is_told_of(web_app: Flask) -> None:
    """A table that is added tomorrow has to be told of, or named as one of staff."""
    naming = {
        table.name
        for table in Base.metadata.sorted_tables
        if any(key.column.table.name == "person" for key in table.foreign_keys)
        or "person_id" in table.columns
    }
    assert naming == set(TOLD) | OF_STAFF


def test_a_resident_reads_and_takes_away_all_they_left(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    client.enter(web_world, place, 1)
    nothing = client.get(PAGE).text
    assert nothing.count("没有。") == 9, "only the household and this sign-in are there"

    clerk, other = web_world.clerk(place), web_world.resident(place, 2)
    web_world.project(place, "P05")
    client.post(
        "/c/HXL/propose", {"title": "门口的坡道", "background": "电话 13800001111", "once": "a"}
    )
    topic = web_world.topic(place)
    client.post(f"/c/HXL/say?about=topic:{topic}", {"text": "放在树下，13912345678", "once": "b"})
    web_world.post(place, f"topic:{topic}", other, "别人写的话")
    meeting = web_world.meeting(place, topic)
    client.post(f"/c/HXL/meetings/{meeting}/join")
    poll = web_world.poll(place)
    page = client.fields(f"/c/HXL/votes/{poll}/ballot", f"/c/HXL/votes/{poll}/ballot")
    client.post(f"/c/HXL/votes/{poll}/ballot", page | {"choice": "yes"})
    topics.postpone_topic(clerk, community_id=place.id, topic_id=topic, note="停电")

    kept = data(client)["kept"]
    assert set(kept) == set(TOLD.values())
    assert all(one["purpose"] and one["how_long"] for one in kept.values())
    (home,) = kept["households"]["items"]
    assert home["joined_at"] == "2026-05-20T02:03:00Z"
    assert home["address"].endswith("2 室"), home["address"]
    assert home["adult_declared_at"] is not None
    (ballot,) = kept["ballots"]["items"]
    assert (ballot["poll_id"], ballot["version"]) == (poll, 1)
    assert "yes" not in json.dumps(kept["ballots"]), "the choice is on the receipt alone"
    (opinion,) = kept["opinions"]["items"]
    assert (opinion["written"], opinion["published_as"]) == ("放在树下，13912345678", "")
    (proposed,) = kept["topics"]["items"]
    assert proposed["text"] == "电话 13800001111", "what was written, not what is shown"
    (seat,) = kept["meetings"]["items"]
    assert seat["meeting_id"] == meeting
    assert kept["pledges"]["items"] == []

    shown = client.get(PAGE).text
    for words in ("门口的坡道", "放在树下，13912345678", "您同意吗", "第 1 次", "已报名"):
        assert words in shown, words
    assert "别人写的话" not in shown
    assert 'href="/c/HXL/mine/data"' in client.get("/c/HXL/mine").text


def test_what_is_over_says_so(client: CheckedClient, web_world: World, place: Place) -> None:
    client.enter(web_world, place, 1)
    code = web_world.code(place, 1)
    for more in ({"shared_phone": "y"}, {}):
        typed = {"code": code, "second_fact": web_world.fact(1), "adult": "y"} | more
        assert client.post("/e", typed).status_code == 303
    # Coming in anew has ended the two before; one of them is left to run out, as elsewhere.
    with transaction() as session:
        shared = LoginSession.shared_phone
        session.execute(update(LoginSession).where(shared).values(ended_at=None))
    clock.advance(timedelta(hours=3))
    page = client.get(PAGE).text
    assert [page.count(words) for words in ("还没有退出", "已经到期", "已经退出")] == [1, 1, 1]


def test_ten_topics_are_read_as_one_is(
    client: CheckedClient, web_world: World, place: Place, statements: list[str]
) -> None:
    client.enter(web_world, place, 1)

    def propose(number: int) -> None:
        typed = {"title": f"议题{number}", "background": "写了很长。", "once": f"o{number}"}
        client.post("/c/HXL/propose", typed)

    def cost() -> int:
        client.get(PAGE)
        statements.clear()
        client.get(PAGE)
        return len(statements)

    propose(1)
    before = cost()
    for number in range(2, 6):
        propose(number)
    assert cost() == before


def test_nobody_else_gets_there(client: CheckedClient, web_world: World, place: Place) -> None:
    assert client.raw.get(PAGE).status_code == 303
    for role in (Role.CLERK, Role.SUPERVISOR, Role.ADMINISTRATOR):
        staff = CheckedClient(web_world.app)
        staff.staff(web_world.staff(place, role))
        for address in (PAGE, f"{PAGE}.json"):
            assert staff.raw.get(address).status_code == 404
