"""One person with several households: each its own ballot, and nothing mixes up."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from html import unescape
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.assisting import visits
from app.core import clock
from app.core.actor import Actor
from app.core.db import db, let_go
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.people import browser, member_queries, memberships, operations, queries
from app.people.door import Entry
from app.people.models import HouseholdCode, HouseholdNotice, Membership, Person, SecurityEvent
from app.people.operations import Enrolled
from app.people.rules import MOST_HOMES
from app.voting import operations as voting
from app.voting.models import Ballot, PollVoter
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.world import Place, World


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    return world.community(households=12)


class Phone:
    """A browser that goes on as one person; `actor` is who it is on its next request."""

    def __init__(self, world: World, place: Place, index: int = 0) -> None:
        self.world, self.place = world, place
        _actor, self.cookie = world.signed_in(place, index)

    @property
    def actor(self) -> Actor:
        found = queries.session_by_hash(browser.hash_of(self.cookie))
        db.session.rollback()
        assert found is not None
        return found.actor

    def add(self, place: Place, index: int, *, fact: str = "", code: str = "") -> Enrolled:
        clock.advance(timedelta(seconds=1))
        return operations.enrol(
            self.actor,
            code=code or self.world.code(place, index),
            second_fact=fact or self.world.fact(index),
            adult=True,
            shared_phone=False,
            same_person=True,
        )

    def choose(self, place: Place, index: int) -> None:
        clock.advance(timedelta(seconds=1))
        memberships.choose_household(
            self.actor, community_id=place.id, household_id=place.households[index]
        )

    def acting(self, place: Place | None = None) -> int:
        """The number of the household it acts for."""
        place = place or self.place
        home = self.actor.home_in(place.id)
        assert home is not None
        return place.households.index(home.household_id)


def test_a_second_letter_adds_a_household_to_the_same_person(world: World, place: Place) -> None:
    phone = Phone(world, place)
    person = phone.actor.person_id
    added = phone.add(place, 1)
    assert (added.entry, added.added, added.cookie_id) == (Entry.WELCOME, True, "")
    assert phone.actor.person_id == person
    assert phone.acting() == 1, "whoever scanned a letter acts for that household"
    told = db.session.scalars(
        select(HouseholdNotice.kind).where(HouseholdNotice.household_id == place.households[1])
    ).all()
    assert "joined" in told
    assert db.session.scalar(select(func.count(Person.id)).where(Person.display == "")) == 1
    again = phone.add(place, 1)
    assert (again.entry, again.joined) == (Entry.WELCOME, False)
    assert len(phone.actor.homes) == 2


def test_it_is_refused_as_at_the_door(world: World, place: Place) -> None:
    phone = Phone(world, place)
    code = world.code(place, 1)
    assert phone.add(place, 1, code="ABCDEFGHJK").entry is Entry.REFUSED
    for _ in range(10):
        assert phone.add(place, 1, code=code, fact="9999").entry is Entry.REFUSED
    assert phone.add(place, 1, code=code).entry is Entry.REFUSED, "the code is locked by now"
    locked = select(HouseholdCode.locked_at).where(
        HouseholdCode.household_id == place.households[1]
    )
    assert db.session.scalar(locked) is not None
    assert len(phone.actor.homes) == 1


def test_a_full_household_and_too_many_of_them(world: World, place: Place) -> None:
    phone = Phone(world, place)
    for _ in range(8):
        world.resident(place, 11)
    assert phone.add(place, 11).entry is Entry.FULL
    for index in range(1, MOST_HOMES):
        assert phone.add(place, index).entry is Entry.WELCOME
    assert phone.add(place, MOST_HOMES).entry is Entry.TOO_MANY
    assert len(phone.actor.homes) == MOST_HOMES


def test_each_household_has_a_ballot_of_its_own(world: World, place: Place) -> None:
    phone = Phone(world, place)
    phone.add(place, 1)
    poll = world.poll(place)
    for index, choice in ((0, "yes"), (1, "no")):
        phone.choose(place, index)
        assert world.cast(phone.actor, place, poll, choice).version == 1
    rows = db.session.execute(
        select(PollVoter.household_id, Ballot.choice).join(Ballot, Ballot.voter_id == PollVoter.id)
    ).all()
    assert {tuple(row) for row in rows} == {
        (place.households[0], '"yes"'),
        (place.households[1], '"no"'),
    }
    phone.choose(place, 0)
    assert world.cast(phone.actor, place, poll, "no").version == 2


def test_a_form_opened_for_one_household_never_votes_for_another(
    world: World, place: Place
) -> None:
    """Two tabs: the ballot of the first is sent after the second has changed the household."""
    phone = Phone(world, place)
    phone.add(place, 1)
    phone.choose(place, 0)
    poll = world.poll(place)
    token = world.token(phone.actor, place, poll)
    phone.choose(place, 1)
    form = {"community_id": place.id, "public_id": poll, "choice": ["yes"], "token": token}
    with pytest.raises(RuleBroken, match=r"ballot\.other_home"):
        voting.cast_ballot(phone.actor, **form)  # type: ignore[arg-type]
    assert db.session.scalar(select(func.count(Ballot.id))) == 0
    let_go()
    # Back with the first household, the form that was refused still serves.
    phone.choose(place, 0)
    assert voting.cast_ballot(phone.actor, **form).version == 1  # type: ignore[arg-type]
    ballot = db.session.execute(
        select(PollVoter.household_id).join(Ballot, Ballot.voter_id == PollVoter.id)
    )
    assert ballot.scalars().all() == [place.households[0]]


def test_a_neighbours_household_is_nobodys_choice(world: World, place: Place) -> None:
    other = world.community("YYL", 3)
    phone = Phone(world, place)
    with pytest.raises(NotFound):
        phone.choose(place, 1)
    with pytest.raises(NotAllowed):
        phone.choose(other, 1)
    phone.add(other, 2)
    assert (phone.acting(place), phone.acting(other)) == (0, 2)
    with pytest.raises(NotFound):
        memberships.choose_household(
            phone.actor, community_id=other.id, household_id=place.households[0]
        )
    poll = world.poll(other)
    world.cast(phone.actor, other, poll, "yes")
    voter = db.session.execute(select(PollVoter.household_id).where(PollVoter.version > 0))
    assert voter.scalars().all() == [other.households[2]]


def test_leaving_one_household_leaves_the_other(world: World, place: Place) -> None:
    phone = Phone(world, place)
    phone.add(place, 1)
    # The page of the first was open; the second is chosen by now, and stays.
    memberships.leave_household(
        phone.actor, community_id=place.id, household_id=place.households[0]
    )
    assert [home.household_id for home in phone.actor.homes] == [place.households[1]]
    with pytest.raises(NotFound):
        memberships.leave_household(
            phone.actor, community_id=place.id, household_id=place.households[0]
        )
    # With the letter one comes back, as the line that one was.
    seen = member_queries.who_is_in_mark(place.id, place.households[0])
    assert phone.add(place, 0).entry is Entry.WELCOME
    assert member_queries.who_is_in_mark(place.id, place.households[0]) != seen
    assert db.session.scalar(select(func.count(Membership.id))) == 2


def test_a_stranger_is_contested_in_the_household_of_the_line(world: World, place: Place) -> None:
    phone = Phone(world, place)
    phone.add(place, 1)
    stranger = world.resident(place, 0)
    (line,) = [
        one.member_id
        for one in member_queries.members(place.id, place.households[0])
        if one.person_id == stranger.person_id
    ]
    assert phone.acting() == 1
    memberships.contest_member(phone.actor, community_id=place.id, member_id=line)
    memberships.end_member(
        world.clerk(place),
        community_id=place.id,
        household_id=place.households[0],
        member_id=line,
    )
    neighbour = world.resident(place, 5)
    with pytest.raises(NotFound):
        memberships.contest_member(neighbour, community_id=place.id, member_id=line)


def test_put_out_of_one_household_the_session_goes_on_for_the_other(
    world: World, place: Place
) -> None:
    phone = Phone(world, place)
    phone.add(place, 1)
    seen = member_queries.who_is_in_mark(place.id, place.households[1])
    memberships.move_out(
        world.clerk(place), community_id=place.id, household_id=place.households[1], seen=seen
    )
    assert phone.acting() == 0


def test_nobody_helps_any_household_of_their_own_at_the_desk(world: World, place: Place) -> None:
    from dataclasses import replace

    phone = Phone(world, place)
    phone.add(place, 1)
    clerk = replace(world.clerk(place), homes=phone.actor.homes)
    for index in (0, 1):
        with pytest.raises(RuleBroken, match="own_household"):
            visits.check_may_act(clerk, place.id, place.households[index], present=True)


def test_each_choice_leaves_a_line_of_access(world: World, place: Place) -> None:
    phone = Phone(world, place)
    phone.add(place, 1)
    phone.choose(place, 0)
    kinds = db.session.scalars(select(SecurityEvent.kind).order_by(SecurityEvent.id)).all()
    assert kinds[-2:] == ["enrol.added", "home.chosen"]


def test_two_taps_at_once_add_one_line(world: World, place: Place) -> None:
    phone = Phone(world, place)
    actor, code, ends = phone.actor, world.code(place, 1), []

    def add() -> None:
        with world.app.app_context():
            added = operations.enrol(
                actor,
                code=code,
                second_fact=world.fact(1),
                adult=True,
                shared_phone=False,
                same_person=True,
            )
            ends.append((added.entry, added.joined))
            db.session.remove()

    taps = [threading.Thread(target=add) for _ in range(4)]
    for tap in taps:
        tap.start()
    for tap in taps:
        tap.join()
    assert {entry for entry, _joined in ends} == {Entry.WELCOME}
    assert db.session.scalar(select(func.count(Membership.id))) == 2
    told = select(func.count(HouseholdNotice.id)).where(
        HouseholdNotice.household_id == place.households[1],
        HouseholdNotice.kind == "joined",
    )
    assert db.session.scalar(told) == 1


# --- the pages -----------------------------------------------------------------------------


def text(client: CheckedClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


@pytest.fixture
def web_place(web_world: World, fixed_clock: datetime) -> Place:
    return web_world.community("HXL", 3)


def test_a_person_adds_a_home_and_switches_in_two_taps(
    client: CheckedClient, web_world: World, web_place: Place
) -> None:
    poll = web_world.poll(web_place)
    client.enter(web_world, web_place, 0)
    assert "您现在代表" not in text(client, "/c/HXL/"), "one home needs no bar"
    door = text(client, "/e?next=/c/HXL/mine/homes")
    assert "就点最下面的“加上这一户”" in door
    clock.advance(timedelta(seconds=1))
    answer = client.enter(web_world, web_place, 1, add="y", next="/c/HXL/mine/homes")
    assert answer.headers["Location"] == "/c/HXL/mine/homes"
    page = text(client, "/c/HXL/mine/homes")
    assert "加好了。您现在代表" in page
    ballot = f"/c/HXL/votes/{poll}/ballot"
    assert "您现在代表： 一区 1-1-2" in text(client, ballot)

    # First tap: the bar's link; second tap: the other household; back on the ballot.
    clock.advance(timedelta(seconds=1))
    found = re.search(r'<p class="acting">.*?href="([^"]+)"', client.get(ballot).text)
    assert found is not None
    switch = client.get(unescape(found[1])).text
    (target,) = re.findall(r'action="(/c/HXL/mine/homes/[^"]+)"', switch)
    answer = client.post(unescape(target))
    assert (answer.status_code, answer.headers["Location"]) == (303, ballot)
    assert "您现在代表： 一区 1-1-1" in text(client, ballot)


def test_two_tabs_do_not_vote_for_the_wrong_household(
    client: CheckedClient, web_world: World, web_place: Place
) -> None:
    poll = web_world.poll(web_place)
    client.enter(web_world, web_place, 0)
    clock.advance(timedelta(seconds=1))
    client.enter(web_world, web_place, 1, add="y")
    ballot = f"/c/HXL/votes/{poll}/ballot"
    second = client.fields(ballot, ballot)
    clock.advance(timedelta(seconds=1))
    client.post(f"/c/HXL/mine/homes/{web_place.households[0]}")
    answer = client.post(ballot, second | {"choice": "yes"})
    assert answer.status_code == 409
    assert "替您的另一户打开的" in answer.text
    assert "checked" not in answer.text, "what was ticked for one home is no proposal for another"
    assert "本户已投票" not in text(client, "/c/HXL/mine")
    first = client.fields(ballot, ballot)
    assert client.post(ballot, first | {"choice": "no"}).status_code == 303
    assert "本户已投票" in text(client, "/c/HXL/mine")
    client.post(f"/c/HXL/mine/homes/{web_place.households[1]}")
    assert "本户已投票" not in text(client, "/c/HXL/mine")


def test_the_leaving_page_leaves_the_household_it_named(
    client: CheckedClient, web_world: World, web_place: Place
) -> None:
    client.enter(web_world, web_place, 0)
    clock.advance(timedelta(seconds=1))
    client.enter(web_world, web_place, 1, add="y")
    page = client.fields("/c/HXL/mine/leave", "/c/HXL/mine/leave")
    assert page["home"] == str(web_place.households[1])
    clock.advance(timedelta(seconds=1))
    client.post(f"/c/HXL/mine/homes/{web_place.households[0]}")
    assert client.post("/c/HXL/mine/leave").status_code == 404, "which of two was not said"
    assert client.post("/c/HXL/mine/leave", page).status_code == 303
    assert "1 室" in text(client, "/c/HXL/mine"), "the other household is still theirs"
    assert "您现在代表" not in text(client, "/c/HXL/mine")


def test_leaving_one_household_twice_is_no_leaving_of_the_other(
    client: CheckedClient, web_world: World, web_place: Place
) -> None:
    client.enter(web_world, web_place, 0)
    clock.advance(timedelta(seconds=1))
    client.enter(web_world, web_place, 1, add="y")
    page = client.fields("/c/HXL/mine/leave", "/c/HXL/mine/leave")
    for _tap in range(2):
        assert client.raw.post("/c/HXL/mine/leave", data=page).status_code == 303
    assert "1 室" in text(client, "/c/HXL/mine")
    last = client.fields("/c/HXL/mine/leave", "/c/HXL/mine/leave")
    assert client.post("/c/HXL/mine/leave", last).status_code == 303
    client.signed_in = False
    assert client.get("/c/HXL/mine").status_code == 303, "nobody is signed in any more"


def test_whoever_was_put_out_is_told_why(
    client: CheckedClient, web_world: World, web_place: Place
) -> None:
    home = web_place.households[0]
    client.enter(web_world, web_place, 0)
    seen = member_queries.who_is_in_mark(web_place.id, home)
    db.session.rollback()
    memberships.move_out(
        web_world.clerk(web_place), community_id=web_place.id, household_id=home, seen=seen
    )
    client.signed_in = False
    answer = client.get("/c/HXL/mine")
    assert answer.headers["Location"].startswith("/e?next=")
    door = text(client, answer.headers["Location"])
    assert "您已经不在原来那一户里了" in door
    assert "办了搬走" in door
    assert "1-1-1" not in door, "whoever has the phone by now may be somebody else"
    # A browser that never was in, and one that left by itself, are told nothing.
    assert "您已经不在" not in text(CheckedClient(web_world.app), "/e")


def test_with_another_home_left_the_list_of_homes_says_why(
    client: CheckedClient, web_world: World, web_place: Place
) -> None:
    client.enter(web_world, web_place, 0)
    clock.advance(timedelta(seconds=1))
    client.enter(web_world, web_place, 1, add="y")
    home = web_place.households[1]
    seen = member_queries.who_is_in_mark(web_place.id, home)
    db.session.rollback()
    memberships.move_out(
        web_world.clerk(web_place), community_id=web_place.id, household_id=home, seen=seen
    )
    assert "1-1-2 ：" in text(client, "/c/HXL/mine/homes") or "1-1-2：" in text(
        client, "/c/HXL/mine/homes"
    )
    assert "办了搬走" in text(client, "/c/HXL/mine/homes")
