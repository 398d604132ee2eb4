"""Who is in a household: doubted, kept, put out, gone; and a family that moves. On both engines."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.actor import Actor, Role
from app.core.db import db
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.people import browser, member_queries, memberships, operations, queries, words
from app.people.member_queries import MemberLine
from app.people.models import Membership, SecurityEvent
from app.people.operations import Entry
from app.people.rules import EndedWhy, JoinedBy
from app.voting import participation
from app.voting import queries as voting

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tests.support.world import Place, World


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    return world.community(households=3)


class Family:
    """One household, several phones that came in by the same letter a day after each other."""

    def __init__(self, world: World, place: Place, phones: int = 3) -> None:
        self.world, self.place, self.household = world, place, place.households[0]
        self.code = world.code(place)
        self.clerk = world.clerk(place)
        self.cookies: list[str] = []
        self.actors = [self.come_in() for _ in range(phones)]

    def come_in(self, fact: str = "", code: str = "") -> Actor:
        enrolled = operations.enrol(
            Actor(),
            code=code or self.code,
            second_fact=fact or self.world.fact(),
            adult=True,
            shared_phone=False,
        )
        assert enrolled.entry is Entry.WELCOME
        self.cookies.append(enrolled.cookie_id)
        found = queries.session_by_hash(browser.hash_of(enrolled.cookie_id))
        assert found is not None
        db.session.rollback()
        clock.advance(timedelta(days=1))
        return found.actor

    def lines(self) -> list[MemberLine]:
        found = member_queries.members(self.place.id, self.household)
        db.session.rollback()
        return found

    def line(self, actor: Actor) -> MemberLine:
        return next(line for line in self.lines() if line.person_id == actor.person_id)

    def told(self, reader: Actor) -> list[str]:
        found = queries.household_notices(
            self.place.id, self.household, 50, reader=reader.person_id
        )
        db.session.rollback()
        return [line.text.split("，", 1)[1] for line in found]

    def is_signed_in(self, number: int) -> bool:
        found = queries.session_by_hash(browser.hash_of(self.cookies[number]))
        db.session.rollback()
        return found is not None

    def contest(self, by: Actor, whom: Actor) -> None:
        memberships.contest_member(
            by, community_id=self.place.id, member_id=self.line(whom).member_id
        )

    def end(self, whom: Actor) -> None:
        memberships.end_member(self.clerk, member_id=self.line(whom).member_id, **self.where)

    def keep(self, whom: Actor, why: str = "是孙女的手机") -> None:
        memberships.keep_member(
            self.clerk, member_id=self.line(whom).member_id, why=why, **self.where
        )

    def move(self, seen: str = "") -> int:
        mark = seen or member_queries.who_is_in_mark(self.place.id, self.household)
        return memberships.move_out(self.clerk, seen=mark, **self.where)

    @property
    def where(self) -> dict[str, int]:
        return {"community_id": self.place.id, "household_id": self.household}


@pytest.fixture
def family(world: World, place: Place) -> Family:
    return Family(world, place)


def events() -> list[str]:
    kinds = db.session.scalars(select(SecurityEvent.kind).order_by(SecurityEvent.id)).all()
    db.session.rollback()
    return [kind for kind in kinds if kind.startswith(("member.", "household."))]


# --- who is in -----------------------------------------------------------------------------


def test_a_line_says_when_and_how_somebody_came_in_and_the_day_they_were_last_here(
    family: Family,
) -> None:
    number = operations.confirm_present(family.clerk, **family.where)
    with_number = family.come_in(fact=number)
    clock.advance(timedelta(days=2))
    operations.touch_session(family.actors[0])
    clock.advance(timedelta(days=1))
    by = [line.joined_by for line in family.lines()]
    assert by == [JoinedBy.LETTER] * 3 + [JoinedBy.DESK]
    said = words.members(family.lines(), family.actors[0].person_id)
    assert said[0].joined == "5月20日（周三）10:03，用信上的编码进来"
    assert said[0].seen == "最近一次来：5月26日（周二）"
    assert said[3].joined == "5月23日（周六）10:03，用服务台给的六位数进来"
    assert [one.own for one in said] == [True, False, False, False]
    operations.touch_session(with_number)
    assert words.members(family.lines(), None)[3].seen == "最近一次来：今天"


def test_whoever_came_in_before_that_was_kept_is_said_to_have_come_in_and_no_more() -> None:
    at = clock.now()
    line = MemberLine(1, 2, at, None, None, None, None, contester_is_in=False)
    (said,) = words.members([line], None)
    assert said.joined.endswith("进来")
    assert (said.seen, said.contested, said.doubted_by) == ("", "", "")


def test_whoever_is_out_leaves_their_place_to_somebody_else(family: Family) -> None:
    for _ in range(5):
        family.come_in()
    assert len(family.lines()) == 8
    memberships.leave_household(
        family.actors[2], community_id=family.place.id, household_id=family.household
    )
    assert len(family.lines()) == 7
    family.come_in()
    assert len(family.lines()) == 8


# --- contesting ----------------------------------------------------------------------------


def test_a_doubt_is_told_to_the_household_and_not_to_whom_it_is_about(family: Family) -> None:
    first, second, stranger = family.actors
    family.contest(first, stranger)
    told = "家里有人不认识一部进来过的手机，请服务台核实（5月22日（周五）10:03进来的那一部）"
    assert family.told(first)[0] == family.told(second)[0] == told
    assert told not in family.told(stranger)
    recent = queries.recent_notices(family.place.id, family.household, 5, reader=stranger.person_id)
    assert told not in " ".join(line.text for line in recent)
    assert not words.members(family.lines(), stranger.person_id)[2].contested
    assert words.members(family.lines(), second.person_id)[2].contested
    assert events() == ["member.contested"]
    assert all(map(family.is_signed_in, range(3))), "until the desk has asked nothing changes"


def test_a_line_contested_twice_is_contested_once(family: Family) -> None:
    first, second, stranger = family.actors
    family.contest(first, stranger)
    clock.advance(timedelta(hours=1))
    family.contest(second, stranger)
    family.contest(first, stranger)
    assert events() == ["member.contested"]
    line = family.line(stranger)
    assert line.contested_at == clock.now() - timedelta(hours=1)
    (home,) = member_queries.contested_homes(family.place.id)
    assert (home.household_id, home.number) == (family.household, 1)
    assert home.since == line.contested_at


def test_nobody_contests_themselves_or_a_neighbours_family(family: Family, world: World) -> None:
    with pytest.raises(RuleBroken, match=r"member\.own"):
        family.contest(family.actors[0], family.actors[0])
    neighbour = world.resident(family.place, 1)
    with pytest.raises(NotFound):
        family.contest(neighbour, family.actors[0])
    with pytest.raises(NotAllowed):
        family.contest(family.clerk, family.actors[0])
    other = world.community("YYL", 1)
    with pytest.raises(NotAllowed):
        memberships.contest_member(world.resident(other), community_id=family.place.id, member_id=1)
    assert events() == []


def test_whoever_the_desk_puts_out_is_out_at_once_and_only_they(family: Family) -> None:
    first, _second, stranger = family.actors
    family.contest(first, stranger)
    family.end(stranger)
    assert [family.is_signed_in(n) for n in range(3)] == [True, True, False]
    told = "服务台核实过，一部不认识的手机已请出本户（5月22日（周五）10:03进来的那一部）"
    assert family.told(first)[0] == told
    assert events() == ["member.contested", "member.ended"]
    row = db.session.scalars(
        select(Membership).where(Membership.person_id == stranger.person_id)
    ).one()
    assert (row.ended_at, row.ended_why) == (clock.now(), EndedWhy.CONTESTED)
    assert member_queries.contested_homes(family.place.id) == []


def test_whoever_was_put_out_cannot_go_on_with_a_page_still_open(
    family: Family, world: World
) -> None:
    first, second, stranger = family.actors
    family.contest(stranger, first)
    family.contest(second, stranger)
    family.end(stranger)
    with pytest.raises(NotFound):
        family.contest(stranger, second)
    with pytest.raises(NotFound):
        memberships.leave_household(
            stranger, community_id=family.place.id, household_id=family.household
        )
    line = family.line(first)
    assert line.contested_at is not None, "the desk still looks into what was said before"
    assert not line.contester_is_in, "and sees that whoever said it is out by now"
    said = words.members([line], None)[0].doubted_by
    assert said == "提出的人：5月22日（周五）10:03进来的那一部手机，现在已经退出。"


def test_the_desk_keeps_whom_the_family_knows_after_all(family: Family) -> None:
    first, second, doubted = family.actors
    family.contest(first, doubted)
    with pytest.raises(RuleBroken, match=r"member\.no_word"):
        family.keep(doubted, "  ")
    family.keep(doubted, " 是孙女的手机 ")
    assert family.is_signed_in(2)
    told = "服务台核实过，有人提出的那部手机留在本户（是孙女的手机）"
    assert {family.told(one)[0] for one in (first, second, doubted)} == {told}
    assert "请服务台核实" in family.told(doubted)[1], "now they may know"
    assert family.line(doubted).contested_at is None
    assert events() == ["member.contested", "member.kept"]
    family.contest(second, doubted)
    assert family.line(doubted).contested_at is not None, "a new doubt is a new question"


def test_the_desk_puts_nobody_out_unasked(family: Family) -> None:
    for act in (family.end, family.keep):
        with pytest.raises(RuleBroken, match=r"member\.not_contested"):
            act(family.actors[1])
    with pytest.raises(NotFound):
        memberships.end_member(
            family.clerk,
            community_id=family.place.id,
            household_id=family.place.households[1],
            member_id=family.line(family.actors[1]).member_id,
        )
    assert len(family.lines()) == 3


@pytest.mark.parametrize("role", [Role.COMMITTEE, Role.SUPERVISOR, Role.DESIGNER])
def test_only_clerks_decide_who_is_in(family: Family, world: World, role: Role) -> None:
    actor = world.staff(family.place, role).actor
    family.contest(family.actors[0], family.actors[1])
    member = family.line(family.actors[1]).member_id
    seen = member_queries.who_is_in_mark(family.place.id, family.household)
    acts: list[Callable[[], object]] = [
        lambda: memberships.end_member(actor, member_id=member, **family.where),
        lambda: memberships.keep_member(actor, member_id=member, why="是", **family.where),
        lambda: memberships.move_out(actor, seen=seen, **family.where),
    ]
    for act in acts:
        with pytest.raises(NotAllowed):
            act()
    assert len(family.lines()) == 3


def test_two_who_contest_each_other_at_once_both_get_through(family: Family, world: World) -> None:
    first, second, _third = family.actors
    ids = {actor.person_id: family.line(actor).member_id for actor in (first, second)}
    barrier, failed = threading.Barrier(2), []

    def contest(by: Actor, whom: Actor) -> None:
        with world.app.app_context():
            barrier.wait()
            try:
                memberships.contest_member(
                    by, community_id=family.place.id, member_id=ids[whom.person_id]
                )
            except Exception as error:  # noqa: BLE001 -- told to the test's own thread
                failed.append(error)
            db.session.remove()

    pairs = ((first, second), (second, first))
    threads = [threading.Thread(target=contest, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert events() == ["member.contested"] * 2


# --- leaving -------------------------------------------------------------------------------


def test_whoever_leaves_is_out_and_the_others_stay_in(family: Family) -> None:
    first, second, _third = family.actors
    family.contest(second, first)
    memberships.leave_household(first, community_id=family.place.id, household_id=family.household)
    assert [family.is_signed_in(n) for n in range(3)] == [False, True, True]
    assert family.told(second)[0].startswith("有一部手机自己退出了本户（5月20日")
    assert events() == ["member.contested", "member.left"]
    assert member_queries.contested_homes(family.place.id) == [], "there is nothing left to ask"
    with pytest.raises(NotFound):
        memberships.leave_household(
            first, community_id=family.place.id, household_id=family.household
        )
    again = family.come_in()
    assert again.person_id != first.person_id


# --- ballots are the household's -----------------------------------------------------------


def test_the_ballot_of_somebody_put_out_stays_and_the_family_can_replace_it(
    family: Family, world: World
) -> None:
    first, _second, stranger = family.actors
    poll = world.poll(family.place)
    world.cast(stranger, family.place, poll, "no")
    view = voting.ballot_view(family.place.id, poll, first.homes[0], first.require_person())
    assert (view.other_member, view.left_behind) == (True, False)
    family.contest(first, stranger)
    family.end(stranger)
    view = voting.ballot_view(family.place.id, poll, first.homes[0], first.require_person())
    assert (view.version, view.choice, view.check_code) == (1, None, "")
    assert (view.other_member, view.left_behind) == (False, True)
    db.session.rollback()
    assert world.cast(first, family.place, poll, "yes").version == 2
    with pytest.raises(RuleBroken, match=r"ballot\.other_member"):
        world.cast(family.actors[1], family.place, poll, "no")


def test_a_ballot_that_nobody_replaces_is_counted(family: Family, world: World) -> None:
    poll = world.poll(family.place)
    world.cast(family.actors[0], family.place, poll, "yes")
    family.move()
    world.decide(family.place, poll)
    assert voting.result_view(family.place.id, poll).turnout == 1


# --- moving out and in ---------------------------------------------------------------------


def test_a_family_that_moves_is_out_with_its_letter_and_its_number(
    family: Family, world: World
) -> None:
    number = operations.confirm_present(family.clerk, **family.where)
    assert family.move() == 3
    assert not any(map(family.is_signed_in, range(3)))
    assert family.lines() == []
    ended = operations.enrol(
        Actor(), code=family.code, second_fact=world.fact(), adult=True, shared_phone=False
    )
    assert ended.entry is Entry.REVOKED
    refused = operations.enrol(
        Actor(),
        code=world.code(family.place),
        second_fact=number,
        adult=True,
        shared_phone=False,
    )
    assert refused.entry is Entry.REFUSED
    assert events() == ["household.moved_out"]


def test_the_next_family_is_told_nothing_of_the_last(family: Family, world: World) -> None:
    place, poll, old = family.place, world.poll(family.place), world.poll(family.place, ("P02",))
    world.cast(family.actors[0], place, poll, "yes")
    world.cast(family.actors[0], place, old, "yes")
    home = family.actors[0].homes[0]
    assert participation.took_part(place.id, family.household)
    family.move()
    clock.advance(timedelta(hours=1))
    newcomer = family.come_in(code=world.code(place))
    assert set(family.told(newcomer)) == {"本户换了新的信", "有人用本户的编码进入了"}
    recent = queries.recent_notices(place.id, family.household, 9, reader=newcomer.person_id)
    assert len(recent) == 2
    assert participation.took_part(place.id, family.household) == []
    desk = queries.notices_for_desk(place.id, family.household, 50)
    assert any("办了搬走" in line.text for line in desk), "the desk knows what it did"
    cards = {card.public_id: card for card in voting.poll_cards(place.id, home)}
    assert cards[poll].voted_at is not None, "what still counts is the household's"
    db.session.rollback()
    assert world.cast(newcomer, place, poll, "no").version == 2
    assert [part.title for part in participation.took_part(place.id, family.household)] == [
        cards[poll].title
    ]
    world.decide(place, poll)
    world.decide(place, old)
    cards = {card.public_id: card for card in voting.poll_cards(place.id, home)}
    assert cards[poll].voted_at is not None
    assert cards[old].voted_at is None, "that the last family voted is not the next one's business"


def test_a_page_from_before_somebody_came_in_moves_nobody(family: Family, world: World) -> None:
    seen = member_queries.who_is_in_mark(family.place.id, family.household)
    newcomer = family.come_in()
    with pytest.raises(RuleBroken, match=r"member\.changed"):
        family.move(seen)
    assert family.line(newcomer), "they are in, and so is everybody else"
    assert family.come_in(), "and the letter is good"
    family.move()
    with pytest.raises(RuleBroken, match=r"member\.changed"):
        family.move(seen)


def test_a_household_where_nobody_is_in_can_be_moved_too(family: Family, world: World) -> None:
    empty = family.place.households[1]
    mark = member_queries.who_is_in_mark(family.place.id, empty)
    gone = memberships.move_out(
        family.clerk, community_id=family.place.id, household_id=empty, seen=mark
    )
    assert gone == 0
    other = world.community("YYL", 1)
    with pytest.raises(NotFound):
        memberships.move_out(
            family.clerk,
            community_id=family.place.id,
            household_id=other.households[0],
            seen="0-0",
        )


def test_whoever_comes_in_while_the_family_moves_is_out_or_came_after(
    world: World, place: Place
) -> None:
    family = Family(world, place, 1)
    seen = member_queries.who_is_in_mark(place.id, family.household)
    db.session.rollback()
    barrier = threading.Barrier(2)
    ends: list[object] = []

    def enter() -> None:
        with world.app.app_context():
            barrier.wait()
            ends.append(
                operations.enrol(
                    Actor(), code=family.code, second_fact="0001", adult=True, shared_phone=False
                ).entry
            )
            db.session.remove()

    def move() -> None:
        with world.app.app_context():
            barrier.wait()
            try:
                ends.append(memberships.move_out(family.clerk, seen=seen, **family.where))
            except RuleBroken as refusal:
                ends.append(refusal.code)
            db.session.remove()

    threads = [threading.Thread(target=act) for act in (enter, move)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    living = len(family.lines())
    moved_first = Entry.REVOKED in ends and living == 0
    came_first = "member.changed" in ends and living == 2
    assert moved_first or came_first, ends


def test_what_somebody_must_not_read_is_hidden_while_the_clock_runs_too(world: World) -> None:
    place = world.community(households=1)
    where = {"community_id": place.id, "household_id": place.households[0]}

    def told(reader: Actor) -> str:
        lines = queries.household_notices(**where, limit=50, reader=reader.person_id)
        db.session.rollback()
        return " ".join(line.text for line in lines)

    first, stranger = world.resident(place), world.resident(place)
    (_own, line) = member_queries.members(**where)
    memberships.contest_member(first, community_id=place.id, member_id=line.member_id)
    assert "不认识" in told(first)
    assert "不认识" not in told(stranger)
    seen = member_queries.who_is_in_mark(**where)
    memberships.move_out(world.clerk(place), seen=seen, **where)
    told_next = told(world.resident(place))
    assert "搬走" not in told_next
    assert "不认识" not in told_next
    assert "有人用本户的编码进入了" in told_next
