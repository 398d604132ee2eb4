"""A resident asks for a correction; the desk puts the roll right, or says why not."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.communities.models import Household
from app.communities.row_rules import RowChange, new_owner, row_change
from app.core import clock
from app.core.actor import Actor, Role
from app.core.db import db, let_go
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.correcting import operations, queries, rules
from app.correcting.models import CorrectionRequest
from app.correcting.rules import State, What
from app.keeping import persons
from app.people import operations as people
from app.people.door import Entry
from app.people.models import HouseholdNotice, SecurityEvent
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.world import Place, World


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    return world.community(households=4)


class Asking:
    """The first household and its desk."""

    def __init__(self, world: World, place: Place) -> None:
        self.world, self.place, self.home = world, place, place.households[0]
        self.resident, self.clerk = world.resident(place, 0), world.clerk(place)
        self.times = 0

    def ask(self, actor: Actor | None = None, text: str = "电话换了", once: str = "") -> int:
        self.times += 1
        operations.ask_correction(
            actor or self.resident,
            community_id=self.place.id,
            household_id=self.home,
            what=What.PHONE,
            text=text,
            once=once or f"once{self.times}",
        )
        newest = select(CorrectionRequest.id).order_by(CorrectionRequest.id.desc()).limit(1)
        found = db.session.scalars(newest).one()
        db.session.rollback()
        return found

    def answer(self, correction: int, actor: Actor | None = None, text: str = "查过没错") -> None:
        operations.answer_correction(
            actor or self.clerk,
            community_id=self.place.id,
            correction_id=correction,
            answer=text,
        )

    def correct(self, change: RowChange, correction: int | None = None) -> None:
        operations.correct_roll(
            self.clerk,
            community_id=self.place.id,
            household_id=self.home,
            change=change,
            correction_id=correction,
        )

    def state(self, correction: int) -> State:
        found = queries.request_of(self.place.id, correction).state
        db.session.rollback()
        return found

    def row(self) -> Household:
        db.session.rollback()
        found = db.session.get(Household, self.home)
        assert found is not None
        return found

    def told(self) -> list[tuple[str, str]]:
        rows = db.session.execute(
            select(HouseholdNotice.kind, HouseholdNotice.about)
            .where(HouseholdNotice.household_id == self.home)
            .order_by(HouseholdNotice.id)
        )
        found = [(str(row.kind), row.about) for row in rows]
        db.session.rollback()
        return found


@pytest.fixture
def asking(world: World, place: Place) -> Asking:
    return Asking(world, place)


def test_the_desk_puts_it_right_and_the_new_phone_opens_the_letter(asking: Asking) -> None:
    correction = asking.ask()
    assert asking.told()[-1] == ("correction_asked", "登记的电话")
    asking.correct(row_change(phones="138 0000 5678", owner="", head="", area=""), correction)
    assert asking.row().phones == "13800005678"
    assert asking.state(correction) is State.CORRECTED
    assert asking.told()[-1] == ("roll_corrected", "电话")
    line = db.session.scalars(select(SecurityEvent).order_by(SecurityEvent.id.desc())).first()
    assert line is not None
    assert line.kind == "roll.corrected"
    assert "5678" not in str(line.facts), "a log of who changed what, not of numbers"
    code = asking.world.code(asking.place, 0)
    for fact, entry in ((asking.world.fact(0), Entry.REFUSED), ("5678", Entry.WELCOME)):
        came = people.enrol(Actor(), code=code, second_fact=fact, adult=True, shared_phone=False)
        assert came.entry is entry


def test_the_desk_answers_with_a_reason(asking: Asking) -> None:
    correction = asking.ask()
    with pytest.raises(RuleBroken, match="no_answer"):
        asking.answer(correction, text="  ")
    asking.answer(correction)
    (mine,) = queries.own(asking.place.id, asking.resident.require_person())
    assert (mine.state, mine.answer) == (State.ANSWERED, "查过没错")
    db.session.rollback()
    assert asking.told()[-1] == ("correction_answered", "登记的电话")
    for again in (
        lambda: asking.answer(correction),
        lambda: asking.correct(RowChange(phones="13800005678"), correction),
    ):
        with pytest.raises(RuleBroken, match="answered_already"):
            again()
    assert asking.row().phones == "10000000001"


def test_a_flood_is_stopped(asking: Asking) -> None:
    for _ in range(rules.MOST_WAITING):
        last = asking.ask()
    other = asking.world.resident(asking.place, 0)
    with pytest.raises(RuleBroken, match="enough_waiting"):
        asking.ask(other)
    for _ in range(rules.MOST_OF_ONE - rules.MOST_WAITING):
        asking.answer(last)
        last = asking.ask()
    asking.answer(last)
    with pytest.raises(RuleBroken, match="enough_lately"):
        asking.ask()
    asking.ask(other)
    clock.advance(rules.COUNTED_FOR + timedelta(minutes=1))
    for correction in [one.id for one in queries.waiting(asking.place.id)]:
        db.session.rollback()
        asking.answer(correction)
    asking.ask()


def test_a_double_tap_asks_once(asking: Asking) -> None:
    assert asking.ask(once="same") == asking.ask(once="same")
    assert len(queries.waiting(asking.place.id)) == 1


def test_only_ones_own_household_and_only_a_clerk(asking: Asking) -> None:
    neighbour = asking.world.resident(asking.place, 1)
    with pytest.raises(NotFound):
        asking.ask(neighbour)
    correction = asking.ask()
    for role in (Role.COMMITTEE, Role.SUPERVISOR, Role.COMMITTEE_CHAIR, Role.ADMINISTRATOR):
        with pytest.raises(NotAllowed):
            asking.answer(correction, asking.world.staff(asking.place, role).actor)
    other = asking.world.community("YYL", 2)
    with pytest.raises(NotFound):
        operations.answer_correction(
            asking.world.clerk(other), community_id=other.id, correction_id=correction, answer="x"
        )
    with pytest.raises(NotFound):
        operations.correct_roll(
            asking.clerk,
            community_id=asking.place.id,
            household_id=asking.place.households[1],
            change=RowChange(phones="13800005678"),
            correction_id=correction,
        )


def test_nobody_corrects_their_own_home(asking: Asking) -> None:
    from dataclasses import replace

    asking.clerk = replace(asking.clerk, homes=asking.resident.homes)
    with pytest.raises(RuleBroken, match="own_household"):
        asking.correct(RowChange(area_registered_c=5630))


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({}, "row.nothing"),
        ({"phones": "没有"}, "row.phone"),
        ({"area": "很大"}, "row.area"),
        ({"area": "0"}, "row.area"),
        ({"area": "-5"}, "row.area"),
        ({"head": "长" * 81}, "row.too_long"),
    ],
)
def test_what_cannot_be_kept_is_refused(typed: dict[str, str], code: str) -> None:
    empty = {"phones": "", "owner": "", "head": "", "area": ""}
    with pytest.raises(RuleBroken) as refusal:
        row_change(**(empty | typed))
    assert refusal.value.code == code
    with pytest.raises(RuleBroken, match="no_owner"):
        new_owner(owner=" ", phones="")


def test_what_the_roll_says_already_is_no_change(asking: Asking) -> None:
    correction = asking.ask()
    with pytest.raises(RuleBroken, match=r"row\.same"):
        asking.correct(RowChange(phones="10000000001"), correction)
    let_go()
    assert asking.state(correction) is State.WAITING


def test_the_next_family_hears_nothing_of_the_last_ones_request(asking: Asking) -> None:
    from app.people import member_queries, memberships

    correction = asking.ask()
    seen = member_queries.who_is_in_mark(asking.place.id, asking.home)
    db.session.rollback()
    memberships.move_out(
        asking.clerk, community_id=asking.place.id, household_id=asking.home, seen=seen
    )
    assert not queries.request_of(asking.place.id, correction).is_in
    db.session.rollback()
    asking.answer(correction)
    assert asking.told()[-1][0] == "moved_out"
    newcomer = asking.world.resident(asking.place, 0)
    assert queries.own(asking.place.id, newcomer.require_person()) == []


def test_erasing_somebody_takes_their_words(asking: Asking) -> None:
    asking.ask()
    persons.erase_own(asking.resident, community_id=asking.place.id, texts=False)
    assert db.session.scalars(select(CorrectionRequest)).all() == []


def test_the_pages(client: CheckedClient, web_world: World, fixed_clock: datetime) -> None:
    place = web_world.community("HXL", 3)
    client.enter(web_world, place, 0)
    mine, desk_page = "/c/HXL/mine/corrections", "/c/HXL/desk/corrections"
    assert f'href="{mine}"' in client.get("/c/HXL/mine/data").text
    shown = client.get(mine).text
    assert "住**" in shown
    assert "住户HXL1" not in shown, "a tenant need not learn the owner's name"
    assert client.post(mine, {}).status_code == 422
    form = client.fields(mine, mine)
    answer = client.post(mine, form | {"what": "phone", "text": "尾号 <b>5678</b>"})
    assert answer.status_code == 303
    assert "等服务台核实" in client.get(mine).text
    for home in (str(place.households[1]), "99999999999", "x", "-1"):
        refused = client.post(mine, form | {"what": "phone", "text": "x", "home": home})
        assert refused.status_code in {404, 422}, home

    desk = CheckedClient(web_world.app)
    desk.staff(web_world.staff(place))
    (link,) = re.findall(r'href="(/c/HXL/desk/corrections/\d+)"', desk.get("/c/HXL/desk/").text)
    page = desk.get(link).text
    assert "尾号 &lt;b&gt;5678" in page
    (edit,) = re.findall(r'href="(/c/HXL/desk/households/\d+/roll\?correction=\d+)"', page)
    fields = desk.fields(edit, edit.partition("?")[0])
    target = edit.partition("?")[0]
    assert desk.post(target, fields).status_code == 422, "nothing was filled in"
    assert desk.post(target, fields | {"correction": "999"}).status_code == 404
    bad = desk.post(target, fields | {"area": "很大"})
    assert (bad.status_code, "面积写得不对" in bad.text) == (422, True)
    done = desk.post(target, fields | {"phones": "13800005678"})
    assert done.headers["Location"] == desk_page
    assert "已更正" in desk.get(desk_page).text
    assert "已更正" in client.get(mine).text
    assert "更正了底册上本户的登记" in client.get("/c/HXL/mine").text
    assert "138****5678" in client.get(mine).text
