"""Where a committee works an administrator opens accounts, and another person lets them in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pyotp
import pytest
from sqlalchemy import func, select, update

from app.communities.queries import community_by_id
from app.core import clock
from app.core.actor import SYSTEM, Actor, Role
from app.core.db import db, transaction
from app.core.errors import NotAllowed, RuleBroken
from app.core.record import RecordEntry
from app.keeping import retention
from app.people import account_links, accounts, link_queries, operations, secrets_box
from app.people.account_links import LinkKey
from app.people.credential_steps import NewAccount
from app.people.models import Person, RoleGrant, StaffAccount
from app.people.rules import clean_link
from app.policy.roles import PROPOSAL_LASTS, TERMS
from app.roles import operations as role_operations
from app.roles import queries
from app.roles.models import RoleProposal
from app.roles.operations import Decision
from tests.starting.test_start import slip_on
from tests.support.checked_client import CheckedClient
from tests.support.world import PASSWORD, World

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask

    from tests.support.world import Place

YES, NO = Decision(give=True), Decision(give=False, word="不认识这个人")
BY_THE_CHAIR = (Role.CLERK, Role.DESIGNER)
FROM_ABOVE = (Role.COMMITTEE_CHAIR, Role.COMMITTEE, Role.SUPERVISOR)
KEYS = {Role.CLERK: "clerk", Role.COMMITTEE: "member"}
TYPED = {"display": "王芳", "sign_in_name": "wangfang", "reason": "居委会会上定的"}


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    return world.community("HXL", 1)


@dataclass
class Opened:
    """An account that an administrator has opened."""

    person_id: int
    secret: str

    def sign_in(self) -> str:
        clock.advance(timedelta(minutes=1))
        totp = pyotp.TOTP(self.secret).at(clock.now())
        return operations.staff_sign_in(
            Actor(), sign_in_name="wangfang", password=PASSWORD, totp=totp
        )

    def roles(self) -> list[str]:
        db.session.rollback()
        return list(
            db.session.scalars(select(RoleGrant.role).where(RoleGrant.person_id == self.person_id))
        )


def opened(
    actor: Actor, place: Place, role: Role, reason: str = "会上定的", until: datetime | None = None
) -> Opened:
    secret = operations.add_staff(
        actor,
        sign_in_name="wangfang",
        display="王芳",
        password=PASSWORD,
        role=role,
        community_id=place.id,
        ends_at=until,
        reason=reason,
    )
    db.session.rollback()
    account = StaffAccount.sign_in_name == "wangfang"
    return Opened(db.session.scalars(select(StaffAccount.person_id).where(account)).one(), secret)


def waiting(place: Place) -> queries.Proposed:
    db.session.rollback()
    (one,) = queries.opened(community_by_id(place.id).place)
    return one


def decide(actor: Actor, place: Place, decision: Decision = YES) -> None:
    role_operations.decide_role(
        actor, community_id=place.id, proposal_id=waiting(place).id, decision=decision
    )


@pytest.mark.parametrize("role", BY_THE_CHAIR + FROM_ABOVE)
def test_an_account_opened_alone_is_no_way_in(world: World, place: Place, role: Role) -> None:
    world.staff(place, Role.COMMITTEE_CHAIR)
    first = world.staff(place, Role.ADMINISTRATOR).actor
    new = opened(first, place, role)
    assert new.roles() == []
    with pytest.raises(RuleBroken, match=r"staff\.not_agreed"):
        new.sign_in()
    with pytest.raises(RuleBroken, match=r"role\.own_proposal"):
        decide(first, place)
    assert queries.to_decide(first.require_person()) == []
    one = waiting(place)
    assert (one.proposed_as, one.role) == (Role.ADMINISTRATOR, role)
    assert one.ends_at == one.proposed_at + TERMS[role].longest
    assert new.roles() == []


@pytest.mark.parametrize("role", BY_THE_CHAIR)
def test_without_a_day_it_lasts_no_longer_than_the_chair_may_give_it(
    world: World, place: Place, role: Role
) -> None:
    chair = world.staff(place, Role.COMMITTEE_CHAIR).actor
    world.staff(place, Role.DISTRICT)
    ends = clock.now() + timedelta(days=200)
    with transaction() as session:
        mine = RoleGrant.person_id == chair.require_person()
        session.execute(update(RoleGrant).where(mine).values(ends_at=ends))
    new = opened(world.staff(place, Role.ADMINISTRATOR).actor, place, role)
    assert waiting(place).ends_at == ends
    decide(chair, place)
    assert new.roles() == [role]


@pytest.mark.parametrize("role", BY_THE_CHAIR + FROM_ABOVE)
def test_who_gives_it_is_another_person_of_the_matrix(
    world: World, place: Place, role: Role
) -> None:
    chair = world.staff(place, Role.COMMITTEE_CHAIR).actor
    new = opened(world.staff(place, Role.ADMINISTRATOR).actor, place, role)
    others = {
        Role.COMMITTEE_CHAIR: chair,
        Role.ADMINISTRATOR: world.staff(place, Role.ADMINISTRATOR).actor,
        Role.DISTRICT: world.staff(place, Role.DISTRICT).actor,
    }
    may = {
        Role.CLERK: {Role.COMMITTEE_CHAIR, Role.DISTRICT},
        Role.DESIGNER: {Role.COMMITTEE_CHAIR},
    }.get(role, {Role.ADMINISTRATOR, Role.DISTRICT})
    for who in set(others) - may:
        assert queries.to_decide(others[who].require_person()) == []
        with pytest.raises(RuleBroken, match=r"role\.not_yours"):
            decide(others[who], place)
    told = {name for one, name in queries.deciders(community_by_id(place.id).place, role, 0)}
    assert {others[who].display for who in may} <= told
    giver = others[min(may)]
    assert [one.proposal.role for one in queries.to_decide(giver.require_person())] == [role]
    decide(giver, place)
    assert new.roles() == [role.value]
    assert new.sign_in()
    entry = db.session.scalars(select(RecordEntry).where(RecordEntry.kind == "role.given")).one()
    assert '"proposed_as":"administrator"' in entry.entry


def test_while_it_is_set_up_one_person_gives_roles(world: World, place: Place) -> None:
    given = {"password": PASSWORD, "community_id": place.id, "role": Role.COMMITTEE_CHAIR}
    first = world.staff(place, Role.ADMINISTRATOR).actor
    # A chair who has a slip and has never come in leads no committee yet.
    operations.add_staff(first, sign_in_name="laochen", display="陈主任", **given)  # type: ignore[arg-type]
    new = opened(first, place, Role.CLERK, reason="")
    assert new.roles() == ["committee_clerk"]
    assert new.sign_in()


def test_ending_the_chair_does_not_lead_back_to_the_beginning(world: World, place: Place) -> None:
    chair = world.staff(place, Role.COMMITTEE_CHAIR).actor
    first = world.staff(place, Role.ADMINISTRATOR).actor
    accounts.end_role(
        first,
        community_id=place.id,
        person_id=chair.require_person(),
        role=Role.COMMITTEE_CHAIR,
    )
    new = opened(first, place, Role.COMMITTEE_CHAIR)
    assert new.roles() == []
    decide(world.staff(place, Role.SUBDISTRICT).actor, place)
    assert new.sign_in()


def test_the_command_line_gives_directly_and_so_does_the_community_next_door(
    world: World, place: Place
) -> None:
    world.staff(world.community("YYL", 1), Role.COMMITTEE_CHAIR)
    first = world.staff(place, Role.ADMINISTRATOR).actor
    assert opened(first, place, Role.CLERK).roles() == ["committee_clerk"]
    world.staff(place, Role.COMMITTEE_CHAIR)
    operations.add_staff(
        SYSTEM,
        sign_in_name="zhaomin",
        display="赵敏",
        password=PASSWORD,
        role=Role.COMMITTEE,
        community_id=place.id,
    )
    db.session.rollback()
    assert queries.opened(community_by_id(place.id).place) == []


def test_what_is_refused_leaves_an_account_that_has_nothing(world: World, place: Place) -> None:
    chair = world.staff(place, Role.COMMITTEE_CHAIR).actor
    new = opened(world.staff(place, Role.ADMINISTRATOR).actor, place, Role.CLERK)
    with pytest.raises(RuleBroken, match=r"role\.no_word"):
        decide(chair, place, Decision(give=False))
    decide(chair, place, NO)
    assert new.sign_in() == ""
    assert new.roles() == []
    account = db.session.scalars(
        select(StaffAccount).where(StaffAccount.person_id == new.person_id)
    ).one()
    assert (account.password_hash, account.totp_secret) == ("", "")
    assert queries.opened(community_by_id(place.id).place) == []


@pytest.mark.parametrize("decision", [YES, NO])
def test_a_link_opens_nothing_before_the_other_person_has_agreed(
    world: World, place: Place, decision: Decision
) -> None:
    chair = world.staff(place, Role.COMMITTEE_CHAIR).actor
    new = NewAccount("wangfang", "王芳", Role.CLERK, place.id, reason="会上定的")
    token = account_links.invite(world.staff(place, Role.ADMINISTRATOR).actor, new=new)
    key = LinkKey(secrets_box.hash_link(clean_link(token)))
    assert link_queries.open_link(key) is None
    db.session.rollback()
    with pytest.raises(RuleBroken, match=r"link\.dead"):
        account_links.set_password(Actor(), key=key, password=PASSWORD)
    decide(chair, place, decision)
    assert (link_queries.open_link(key) is not None) is decision.give


def test_what_nobody_decided_lapses_and_leaves_nothing(world: World, place: Place) -> None:
    chair = world.staff(place, Role.COMMITTEE_CHAIR).actor
    new = opened(world.staff(place, Role.ADMINISTRATOR).actor, place, Role.CLERK)
    one = waiting(place)
    clock.advance(PROPOSAL_LASTS + timedelta(minutes=1))
    with pytest.raises(RuleBroken, match=r"role\.lapsed"):
        role_operations.decide_role(chair, community_id=place.id, proposal_id=one.id, decision=YES)
    with pytest.raises(RuleBroken, match=r"staff\.not_agreed"):
        new.sign_in()
    clock.advance(timedelta(days=800))
    retention.run(SYSTEM)
    db.session.rollback()
    assert db.session.scalar(select(func.count(RoleProposal.id))) == 0
    with pytest.raises(RuleBroken, match=r"staff\.not_agreed"):
        new.sign_in()


def test_the_rules_are_asked_again_when_it_is_given(world: World, place: Place) -> None:
    chair = world.staff(place, Role.COMMITTEE_CHAIR).actor
    first = world.staff(place, Role.ADMINISTRATOR).actor
    new = opened(first, place, Role.CLERK)
    with transaction() as session:
        session.execute(
            update(RoleGrant)
            .where(RoleGrant.person_id == first.person_id)
            .values(ends_at=clock.now())
        )
    clock.advance(timedelta(minutes=1))
    with pytest.raises(RuleBroken, match=r"role\.beyond"):
        decide(chair, place)
    with pytest.raises(NotAllowed):
        decide(world.staff(place, Role.COMMITTEE).actor, place)
    assert new.roles() == []


def test_what_cannot_be_proposed_makes_no_account(world: World, place: Place) -> None:
    world.staff(place, Role.COMMITTEE_CHAIR)
    first = world.staff(place, Role.ADMINISTRATOR).actor
    late = clock.now() + TERMS[Role.DESIGNER].longest + timedelta(days=1)
    with pytest.raises(RuleBroken, match=r"role\.no_reason"):
        opened(first, place, Role.DESIGNER, reason=" ")
    with pytest.raises(RuleBroken, match=r"role\.too_long"):
        opened(first, place, Role.DESIGNER, until=late)
    soon = clock.now() + timedelta(days=40)
    with transaction() as session:
        mine = RoleGrant.person_id == first.person_id
        session.execute(update(RoleGrant).where(mine).values(ends_at=soon))
    with pytest.raises(RuleBroken, match=r"role\.past_own_end"):
        opened(first, place, Role.DESIGNER, until=soon + timedelta(days=1))
    db.session.rollback()
    assert db.session.scalar(select(func.count(Person.id)).where(Person.display == "王芳")) == 0
    opened(first, place, Role.DESIGNER)
    assert waiting(place).ends_at == soon


# --- the pages -----------------------------------------------------------------------------


def browser_of(app: Flask, world: World, place: Place, role: Role) -> CheckedClient:
    client = CheckedClient(app)
    client.staff(world.staff(place, role))
    return client


@pytest.mark.parametrize("how", [{}, {"how": "link"}])
def test_the_pages_say_when_it_works_and_who_has_to_agree(
    web_app: Flask, web_world: World, fixed_clock: datetime, how: dict[str, str]
) -> None:
    place = web_world.community("HXL", 1)
    chair = web_world.staff(place, Role.COMMITTEE_CHAIR)
    desk = CheckedClient(web_app)
    desk.staff(chair)
    admin = browser_of(web_app, web_world, place, Role.ADMINISTRATOR)
    address = "/system/communities/HXL/people/clerk"
    who = f"能同意的：居委会主任 {chair.actor.display}"
    assert who in admin.get(address).text
    refused = admin.post(address, TYPED | how | {"reason": " "})
    assert refused.status_code == 422
    assert "请写一句理由" in refused.text
    made = admin.post(address, TYPED | how)
    assert made.status_code == 200
    assert who in made.text
    assert "还没生效" in admin.get(address).text
    answer = admin.get("/system/communities/HXL/")
    # Whoever waits is not asked for again; the committee has no member yet.
    assert answer.location == "/system/communities/HXL/people/member"
    assert "定一份提名" not in admin.get("/system/").text
    db.session.rollback()
    one = waiting(place)
    page = f"/c/HXL/desk/roles/proposals/{one.id}"
    assert page in desk.get("/c/HXL/desk/").text
    assert "王芳" in desk.get("/c/HXL/desk/roles").text
    shown = desk.get(page).text
    assert "居委会会上定的" in shown
    assert "系统管理员" in shown
    assert "交上决定" not in admin.get(page).text
    if not how:
        password, secret = slip_on(made.text)
        typed = {"name": "wangfang", "password": password}
        early = CheckedClient(web_app).post(
            "/staff/sign-in", typed | {"totp": pyotp.TOTP(secret).at(clock.now())}
        )
        assert early.status_code == 422
        assert "要等另一个人同意" in early.text
    assert desk.post(page, {"verdict": "give", "word": ""}).status_code == 303
    assert "还没生效" not in admin.get(address).text
    if not how:
        clock.advance(timedelta(minutes=1))
        late = CheckedClient(web_app).post(
            "/staff/sign-in", typed | {"totp": pyotp.TOTP(secret).at(clock.now())}
        )
        assert late.status_code == 303


def test_where_nobody_can_agree_the_page_says_whom_it_takes(
    web_app: Flask, web_world: World, fixed_clock: datetime
) -> None:
    place = web_world.community("HXL", 1)
    chair = web_world.staff(place, Role.COMMITTEE_CHAIR).actor
    admin = browser_of(web_app, web_world, place, Role.ADMINISTRATOR)
    accounts.end_role(
        SYSTEM,
        community_id=place.id,
        person_id=chair.require_person(),
        role=Role.COMMITTEE_CHAIR,
    )
    page = admin.get("/system/communities/HXL/people/designer").text
    assert "现在还没有这样的人。请先有：居委会主任。" in page


def test_a_lost_answer_is_told_of_without_a_button_that_is_not_there(
    web_app: Flask, web_world: World, fixed_clock: datetime
) -> None:
    place = web_world.community("HXL", 1)
    for role in (Role.COMMITTEE_CHAIR, Role.CLERK, Role.COMMITTEE):
        web_world.staff(place, role)
    admin = browser_of(web_app, web_world, place, Role.ADMINISTRATOR)
    press = {"csrf_token": admin.token()} | TYPED
    address = "/system/communities/HXL/people/designer"
    assert admin.raw.post(address, data=press).status_code == 200
    again = admin.raw.post(address, data=press)
    assert "等另一个人同意以后，请重新出一张" in admin.get(again.headers["Location"]).text
    assert waiting(place).role is Role.DESIGNER
