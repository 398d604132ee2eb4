"""Acts of weight ask anew who one is; what was typed and uploaded goes on with the proof."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING

import pyotp
import pytest

from app.communities import queries as communities
from app.core import clock
from app.core.actor import Role
from app.core.db import db
from app.people import queries as people
from app.voting import queries as polls
from app.voting.rules import Phase
from tests.people.test_account_pages import kept_in
from tests.support.checked_client import CheckedClient
from tests.support.neighbours import ROLES, sign_in

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from tests.support.neighbours import Neighbours
    from tests.support.world import Place, Staff, World

LATE = timedelta(minutes=11)
STAFF = [role for role in ROLES if role is not None]
COMMITTEE = {Role.CLERK, Role.COMMITTEE, Role.COMMITTEE_CHAIR}
# The acts that bind a community or a place, and for one home what its letter opens.
ACTS = {
    "/c/HXL/desk/votes/{poll_id}/open": COMMITTEE,
    "/c/HXL/desk/votes/{poll_id}/schedule": COMMITTEE,
    "/c/HXL/desk/votes/{poll_id}/publish": {Role.CLERK},
    "/c/HXL/desk/roll/{upload_id}": COMMITTEE,
    "/c/HXL/desk/households/{household_id}/moved": {Role.CLERK},
    "/c/HXL/desk/households/{household_id}/present": {Role.CLERK},
    "/c/HXL/desk/households/{household_id}/revoke": {Role.CLERK},
    "/c/HXL/desk/convention/1/adopt": COMMITTEE,
    "/c/HXL/desk/convention/1/adopt-by-poll": COMMITTEE,
    "/c/HXL/desk/settings/publication_days": {Role.CLERK},
    "/d/SHXL/settings/publication_days": {Role.SUBDISTRICT},
}


@pytest.mark.parametrize("role", STAFF, ids=lambda role: role.value)
def test_an_act_of_weight_is_not_done_late_and_is_not_there_for_others(
    client: CheckedClient,
    web_app: Flask,
    fixed_clock: datetime,
    neighbours: Neighbours,
    role: Role,
) -> None:
    world, ours, _theirs = neighbours.world(web_app)
    sign_in(client, world, ours, role)
    clock.advance(LATE)
    asked = set()
    for act in ACTS:
        answer = client.post(act.format(**ours), {"reason": "一句话"})
        assert answer.status_code in {403, 404}, act
        if "再确认一次是您本人" in answer.text:
            asked.add(act)
            assert kept_in(client, answer)["reason"] == "一句话"
    expected = {act for act, roles in ACTS.items() if role in roles}
    assert asked == expected


class Desk:
    """Somebody of the staff whose last proof is a while ago."""

    def __init__(self, app: Flask, staff: Staff) -> None:
        self.client, self.staff = CheckedClient(app), staff
        self.client.staff(staff)

    def late(self, address: str, data: dict[str, str] | None = None) -> None:
        """Send a form too late, and go on with the proof; nothing is typed twice."""
        clock.advance(LATE)
        asked = self.client.post(address, data)
        assert asked.status_code == 403, asked.text
        proof = pyotp.TOTP(self.staff.secret).at(clock.now())
        fields = kept_in(self.client, asked) | {"proof_totp": proof}
        answer = self.client.check(self.client.raw.post(address, data=fields))
        assert answer.status_code in {200, 303}, answer.text
        self.page = answer.text
        db.session.rollback()


@pytest.fixture
def place(web_world: World, fixed_clock: datetime) -> Place:
    return web_world.community("HXL", 2)


@pytest.fixture
def clerk(web_app: Flask, web_world: World, place: Place) -> Desk:
    return Desk(web_app, web_world.staff(place))


def test_an_upload_that_waited_is_applied_with_the_proof(clerk: Desk, place: Place) -> None:
    roll = "小区,楼栋,单元,房号\n一区,1,1,9".encode()
    sent = clerk.client.post(
        "/c/HXL/desk/roll",
        {"file": (io.BytesIO(roll), "roll.csv")},
        content_type="multipart/form-data",
    )
    preview = sent.headers["Location"]
    assert "新增" in clerk.client.get(preview).text
    clock.advance(LATE)
    # Sending a file asks for nothing, so none is ever lost to a page that asks.
    again = clerk.client.post(
        "/c/HXL/desk/roll",
        {"file": (io.BytesIO(roll), "roll.csv")},
        content_type="multipart/form-data",
    )
    assert again.status_code == 303
    clerk.late(preview)
    assert "9" in {home.room for home in communities.households_for_letters(place.id)}


def test_a_setting_is_changed_with_the_reason_that_was_typed_before_the_proof(
    clerk: Desk, place: Place
) -> None:
    here = "/c/HXL/desk/settings/publication_days"
    fields = clerk.client.fields(here, here) | {"value": "20", "reason": "楼里老人多，多贴几天"}
    clerk.late(here, fields)
    assert "20 天" in clerk.client.get("/c/HXL/desk/settings").text


def test_one_home_is_done_by_with_the_proof(clerk: Desk, web_world: World, place: Place) -> None:
    web_world.code(place)
    home = f"/c/HXL/desk/households/{place.households[0]}"
    clerk.late(f"{home}/present")
    assert "请把这六位数告诉面前的人" in clerk.page
    clerk.late(f"{home}/revoke")
    assert people.living_codes(place.id, list(place.households)) == 0


def test_a_poll_opens_with_the_proof(web_app: Flask, web_world: World, place: Place) -> None:
    member = Desk(web_app, web_world.staff(place, Role.COMMITTEE))
    draft = web_world.draft(place)
    member.late(f"/c/HXL/desk/votes/{draft}/open")
    assert polls.desk_view(place.id, draft).phase is Phase.OPEN
