"""Written authorities: three for each holder, one for each household; the first ballot stands."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app.assisting import holders, proxying
from app.assisting import operations as assisting
from app.assisting.rules import Checked
from app.communities.models import Household
from app.core import clock, erasures
from app.core.actor import SYSTEM, Actor, Home, Role
from app.core.db import db, transaction
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.core.record import RecordEntry, RecordOpening
from app.people import memberships
from app.people.member_queries import who_is_in_mark
from app.people.models import HouseholdNotice, Person, SecurityEvent
from app.voting import operations as voting
from app.voting import proxies, tokens
from app.voting import queries as polls
from app.voting.casting import OutcomeKind
from app.voting.models import Ballot, PollProxy, PollVoter
from app.voting.proxies import NewProxy
from app.voting.proxy_rules import Seen, holder_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from flask import Flask

    from app.voting.casting import CastOutcome
    from tests.support.world import Place, World

HOLDER = 5


@pytest.fixture
def place(world: World, fixed_clock: datetime) -> Place:
    return world.community("HXL", 8)


@pytest.fixture
def poll(world: World, place: Place) -> str:
    return world.poll(place)


def sheet(place: Place, poll: str, index: int = 0, **changes: Any) -> NewProxy:
    new = NewProxy(
        public_id=poll,
        household_id=place.households[index],
        holder_household_id=place.households[HOLDER],
        holder_name="",
        sheet=f"WT-{index}",
        seen=Seen.PRESENT,
    )
    return replace(new, **changes)


def enter(world: World, place: Place, poll: str, index: int = 0, **changes: Any) -> int:
    return proxying.enter_proxy(
        world.clerk(place), community_id=place.id, new=sheet(place, poll, index, **changes)
    )


def named(world: World, place: Place, poll: str, index: int, name: str = "王芳") -> int:
    return enter(world, place, poll, index, holder_household_id=None, holder_name=name)


def seal(world: World, actor: Actor, proxy_id: int, place: Place) -> str:
    key = world.app.config["SETTINGS"].secret_key
    return tokens.issue(key, holders.binding(actor, proxies.look(place.id, proxy_id)))


def cast(
    world: World, actor: Actor, place: Place, proxy_id: int, choice: str = "yes", sealed: str = ""
) -> CastOutcome:
    return proxying.cast_held(
        actor,
        community_id=place.id,
        proxy_id=proxy_id,
        choice=[choice],
        token=sealed or seal(world, actor, proxy_id, place),
    )


def cast_at_desk(
    world: World, place: Place, proxy_id: int, choice: str = "yes", *, present: bool = True
) -> CastOutcome | None:
    clerk = world.clerk(place)
    return proxying.cast_for_holder(
        clerk,
        community_id=place.id,
        proxy_id=proxy_id,
        stated=Checked.DOCUMENT if present else None,
        choice=[choice],
        token=seal(world, clerk, proxy_id, place),
    )[0]


def told(place: Place, index: int) -> list[str]:
    lines = (
        select(HouseholdNotice.kind)
        .where(HouseholdNotice.household_id == place.households[index])
        .where(HouseholdNotice.kind.like("proxy%"))
        .order_by(HouseholdNotice.id)
    )
    return list(db.session.scalars(lines))


def count(model: Any, *conditions: Any) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0


def test_a_neighbour_votes_for_a_household_and_both_are_told(
    world: World, place: Place, poll: str
) -> None:
    holder = world.resident(place, HOLDER)
    proxy = enter(world, place, poll)
    assert (told(place, 0), told(place, HOLDER)) == (["proxy_given"], ["proxy_held"])
    assert cast(world, holder, place, proxy).version == 1
    assert told(place, 0) == ["proxy_given", "proxy_voted"]
    assert cast(world, holder, place, proxy, "no").version == 2, "until the closing it is changed"
    assert told(place, 0)[-1] == "proxy_changed_vote"
    assert world.cast(holder, place, poll, "yes").version == 1, "their own ballot is their own"
    assert count(PollVoter, PollVoter.version > 0) == 2
    kinds = set(
        db.session.scalars(select(SecurityEvent.kind).where(SecurityEvent.kind.like("proxy%")))
    )
    assert kinds == {"proxy.entered", "proxy.voted"}


def test_nothing_public_says_that_a_ballot_was_cast_by_proxy(
    world: World, place: Place, poll: str
) -> None:
    holder = world.resident(place, HOLDER)
    cast(world, holder, place, enter(world, place, poll))
    world.cast(world.resident(place, 1), place, poll, "no")
    entries = [
        entry.entry
        for entry in db.session.scalars(
            select(RecordEntry).where(RecordEntry.kind == "ballot.cast").order_by(RecordEntry.seq)
        )
    ]
    by_proxy, plain = (json.loads(entry) for entry in entries)
    for part in ("data", "private"):
        assert set(by_proxy[part]) == set(plain[part])
    assert by_proxy["actor"] == plain["actor"] == "voter"
    voters = {v.household_id: v.ref for v in db.session.scalars(select(PollVoter))}
    assert by_proxy["data"]["voter"] == voters[place.households[0]]
    openings = db.session.scalars(select(RecordOpening).where(RecordOpening.seq == by_proxy["seq"]))
    opened = {one.name: one.value for one in openings}
    assert opened["channel"] == '"phone"'
    assert holder.person_ref in opened["actor_c"]
    assert not count(RecordEntry, RecordEntry.kind.like("%proxy%"))


def test_a_fourth_principal_is_refused_and_another_holder_takes_them(
    world: World, place: Place, poll: str
) -> None:
    for index in range(3):
        enter(world, place, poll, index)
    with pytest.raises(RuleBroken, match=r"proxy\.three_already"):
        enter(world, place, poll, 3)
    assert told(place, 3) == []
    enter(world, place, poll, 3, holder_household_id=place.households[6])
    for index in (4, 6, 7):
        named(world, place, poll, index)
    with pytest.raises(RuleBroken, match=r"proxy\.three_already"):
        named(world, place, poll, HOLDER, " 王 芳 ")
    for name in ("Ａnn（长女）", "ann(长女)"):
        assert holder_key(None, name) == "name:ann(长女)"
    assert count(Person, Person.adult_declared_at.is_(None), Person.display == "") == 1
    other = world.poll(place, ("P02",))
    enter(world, place, other, 3, sheet="WT-other")


def test_a_household_and_a_name_on_its_roll_are_one_holder(
    world: World, place: Place, poll: str
) -> None:
    with transaction() as session:
        home = Household.id == place.households[HOLDER]
        session.execute(
            update(Household).where(home).values(household_head="李强", owner_name="李强、王 芳")
        )
    for index in (0, 1):
        enter(world, place, poll, index)
    named(world, place, poll, 2, "王芳")
    for name in ("王芳", "李强"):
        with pytest.raises(RuleBroken, match=r"proxy\.three_by_name"):
            named(world, place, poll, 3, name)
    with pytest.raises(RuleBroken, match=r"proxy\.three_by_name"):
        enter(world, place, poll, 3)
    named(world, place, poll, 3, "王芳（住南京）")
    named(world, place, poll, 4, "张三")

    other = world.poll(place, ("P02",))
    for index in range(3):
        by_name = {"holder_household_id": None, "holder_name": "王芳", "sheet": f"o{index}"}
        enter(world, place, other, index, **by_name)
    with pytest.raises(RuleBroken, match=r"proxy\.three_by_name"):
        enter(world, place, other, 3, sheet="o3")
    enter(world, place, other, 3, sheet="o3", holder_household_id=place.households[6])


def test_an_authority_taken_back_frees_its_place_and_a_used_one_never_does(
    world: World, place: Place, poll: str
) -> None:
    holder = world.resident(place, HOLDER)
    first, second, _third = (enter(world, place, poll, index) for index in range(3))
    clerk = world.clerk(place)
    assert proxying.end_proxy(clerk, community_id=place.id, proxy_id=first)
    enter(world, place, poll, 3)
    cast(world, holder, place, second)
    assert not proxying.end_proxy(clerk, community_id=place.id, proxy_id=second)
    assert count(SecurityEvent, SecurityEvent.kind == "proxy.end_too_late") == 1
    # The household takes its ballot back at the desk; its holder has stood for three all the same.
    visit = assisting.begin_visit(
        clerk,
        community_id=place.id,
        household_id=place.households[1],
        checked=Checked.DOCUMENT,
        present=True,
    )
    assisting.hand_on(clerk, community_id=place.id, visit_id=visit, public_id=poll, member_id=0)
    with pytest.raises(RuleBroken, match=r"ballot\.own_first"):
        cast(world, holder, place, second, "no")
    with pytest.raises(RuleBroken, match=r"proxy\.three_already"):
        enter(world, place, poll, 4)
    with pytest.raises(RuleBroken, match=r"proxy\.over"):
        proxying.end_proxy(clerk, community_id=place.id, proxy_id=first)


def test_one_household_gives_one_and_one_sheet_is_entered_once(
    world: World, place: Place, poll: str
) -> None:
    enter(world, place, poll)
    with pytest.raises(RuleBroken, match=r"proxy\.given_before"):
        enter(world, place, poll, 0, sheet="WT-x", holder_household_id=place.households[6])
    with pytest.raises(RuleBroken, match=r"proxy\.sheet_used"):
        enter(world, place, poll, 1, sheet="WT-0")
    assert count(PollProxy) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"holder_household_id": None}, "no_holder"),
        ({"sheet": ""}, "no_sheet"),
        ({"until": "past"}, "until"),
        ({"holder_household_id": "own"}, "to_itself"),
    ],
)
def test_what_a_sheet_lacks_is_said(
    world: World, place: Place, poll: str, changes: dict[str, Any], code: str
) -> None:
    if changes.get("until"):
        changes = {"until": clock.now() - timedelta(days=1)}
    if changes.get("holder_household_id") == "own":
        changes = {"holder_household_id": place.households[0]}
    with pytest.raises(RuleBroken, match=rf"proxy\.{code}$"):
        enter(world, place, poll, 0, **changes)
    assert count(PollProxy) == 0


def test_other_communities_closed_polls_and_unknown_households(
    world: World, place: Place, poll: str
) -> None:
    there = world.community("YYL", 2)
    with pytest.raises(NotFound):
        enter(world, place, poll, 0, holder_household_id=there.households[0])
    with pytest.raises(NotFound):
        enter(world, place, poll, 0, household_id=there.households[0])
    with pytest.raises(NotFound):
        enter(world, place, world.poll(there, ("Q01",)))
    proxy = enter(world, place, poll)
    for act in (
        proxies.look,
        lambda c, p: proxying.end_proxy(world.clerk(there), community_id=c, proxy_id=p),
    ):
        with pytest.raises(NotFound):
            act(there.id, proxy)
    clock.advance(timedelta(days=8))
    with pytest.raises(RuleBroken, match=r"proxy\.not_open"):
        enter(world, place, poll, 1)


def test_whoever_votes_first_stands(world: World, place: Place, poll: str) -> None:
    holder, own = world.resident(place, HOLDER), world.resident(place, 0)
    first, second = enter(world, place, poll, 0), enter(world, place, poll, 1)
    world.cast(own, place, poll, "no")
    with pytest.raises(RuleBroken, match=r"ballot\.own_first"):
        cast(world, holder, place, first)
    cast(world, holder, place, second)
    with pytest.raises(RuleBroken, match=r"ballot\.by_proxy"):
        world.cast(world.resident(place, 1), place, poll, "no")
    view = polls.ballot_view(
        place.id, poll, Home(place.id, place.households[1]), own.require_person()
    )
    assert (view.by_proxy, view.other_member, view.choice) == (True, True, None)
    assert count(Ballot) == 2


def test_a_household_takes_back_before_the_ballot_and_not_after(
    world: World, place: Place, poll: str
) -> None:
    holder, own = world.resident(place, HOLDER), world.resident(place, 0)
    proxy = enter(world, place, poll)
    with pytest.raises(NotFound):
        proxying.revoke_proxy(holder, community_id=place.id, proxy_id=proxy)
    proxying.revoke_proxy(own, community_id=place.id, proxy_id=proxy)
    assert told(place, 0)[-1] == "proxy_ended"
    assert told(place, HOLDER)[-1] == "proxy_no_longer_held"
    with pytest.raises(RuleBroken, match=r"proxy\.over"):
        cast(world, holder, place, proxy)
    again = enter(world, place, poll, 0, sheet="WT-new")
    cast(world, holder, place, again)
    with pytest.raises(RuleBroken, match=r"proxy\.cast_already"):
        proxying.revoke_proxy(own, community_id=place.id, proxy_id=again)


def test_nobody_else_casts_by_it_and_its_form_serves_nothing_else(
    world: World, place: Place, poll: str
) -> None:
    holder, other = world.resident(place, HOLDER), world.resident(place, 6)
    first, second = enter(world, place, poll, 0), enter(world, place, poll, 1)
    with pytest.raises(NotFound):
        cast(world, other, place, first)
    with pytest.raises(RuleBroken, match=r"ballot\.other_session"):
        cast(world, holder, place, first, sealed=seal(world, holder, second, place))
    with pytest.raises(RuleBroken, match=r"ballot\.other_session"):
        cast(world, holder, place, first, sealed=world.token(holder, place, poll))
    sealed = seal(world, holder, first, place)
    cast(world, holder, place, first, "yes", sealed)
    again = cast(world, holder, place, first, "no", sealed)
    assert (again.again, again.version) == (True, 1)
    wife = world.resident(place, HOLDER)
    with pytest.raises(RuleBroken, match=r"ballot\.by_proxy"):
        cast(world, wife, place, first, "no")
    assert count(Ballot) == 1


def test_a_named_person_and_a_neighbour_without_phone_vote_at_the_desk(
    world: World, place: Place, poll: str
) -> None:
    by_name, by_home = named(world, place, poll, 0), enter(world, place, poll, 1)
    with pytest.raises(RuleBroken, match=r"assist\.not_stated"):
        cast_at_desk(world, place, by_name, present=False)
    for proxy in (by_name, by_home):
        outcome = cast_at_desk(world, place, proxy)
        assert outcome is not None
        assert outcome.version == 1
    assert told(place, 0)[-1] == told(place, 1)[-1] == "proxy_voted"
    changed = cast_at_desk(world, place, by_name, "no")
    assert changed is not None
    assert changed.version == 2
    third = named(world, place, poll, 2, "李强")
    world.cast(world.resident(place, 2), place, poll, "yes")
    assert cast_at_desk(world, place, third) is None
    line = count(SecurityEvent, SecurityEvent.kind == "proxy.own_first")
    assert line == 1, "that the desk has learnt of it leaves its line"


def test_a_clerk_has_no_hand_in_an_authority_of_their_own_household(
    world: World, place: Place, poll: str
) -> None:
    for index in (0, HOLDER):
        clerk = replace(world.clerk(place), homes=(Home(place.id, place.households[index]),))
        with pytest.raises(RuleBroken, match=r"assist\.own_household"):
            proxying.enter_proxy(clerk, community_id=place.id, new=sheet(place, poll))
    for role in (Role.COMMITTEE, Role.SUPERVISOR, Role.DISTRICT):
        with pytest.raises(NotAllowed):
            proxying.enter_proxy(
                world.staff(place, role).actor, community_id=place.id, new=sheet(place, poll)
            )
    with pytest.raises(NotAllowed):
        proxying.enter_proxy(SYSTEM, community_id=place.id, new=sheet(place, poll))


def test_an_authority_ends_with_its_day_its_poll_and_its_family(
    world: World, place: Place, poll: str
) -> None:
    holder = world.resident(place, HOLDER)
    short = enter(world, place, poll, 0, until=clock.now() + timedelta(days=1))
    moved = enter(world, place, poll, 1)
    late = enter(world, place, poll, 2)
    clock.advance(timedelta(days=1))
    with pytest.raises(RuleBroken, match=r"proxy\.over"):
        cast(world, holder, place, short)
    move_out(world, place, 1)
    with pytest.raises(RuleBroken, match=r"proxy\.over"):
        cast(world, holder, place, moved)
    clock.advance(timedelta(days=7))
    assert cast(world, holder, place, late).kind is OutcomeKind.LATE
    assert count(Ballot) == 0
    assert count(PollProxy, PollProxy.cast_at.is_not(None)) == 0


def move_out(world: World, place: Place, index: int) -> None:
    memberships.move_out(
        world.clerk(place),
        community_id=place.id,
        household_id=place.households[index],
        seen=who_is_in_mark(place.id, place.households[index]),
    )


def test_a_ballot_by_proxy_of_the_last_family_does_not_bind_the_next(
    world: World, place: Place, poll: str
) -> None:
    world.resident(place, 0)
    cast(world, world.resident(place, HOLDER), place, enter(world, place, poll))
    clock.advance(timedelta(minutes=1))
    move_out(world, place, 0)
    clock.advance(timedelta(minutes=1))
    assert world.cast(world.resident(place, 0), place, poll, "no").version == 2


def test_erasing_a_holder_leaves_the_ballot_and_no_trace_of_the_authority(
    world: World, place: Place, poll: str
) -> None:
    proxy = named(world, place, poll, 0)
    cast_at_desk(world, place, proxy)
    person = proxies.look(place.id, proxy).holder_id
    assert person is not None
    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    with transaction() as session:
        ref = session.scalars(select(Person.ref).where(Person.id == person)).one()
        erasures.forget_everywhere(session, erasures.Leaver(person, ref))
    assert count(PollProxy) == 0
    assert count(Ballot) == 1
    assert "proxy_voted" not in told(place, 0)


# --- at the same moment --------------------------------------------------------------------------


def together(app: Flask, acts: list[Callable[[], object]]) -> list[str]:
    """Carry these out at once; gives what became of each, as a word."""
    db.session.remove()
    start, came = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        with app.app_context():
            start.wait()
            try:
                act()
                came.append("done")
            except RuleBroken as error:
                came.append(error.code)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(came)


def test_of_six_entered_at_the_same_moment_three_are_kept(
    app: Flask, world: World, place: Place, poll: str
) -> None:
    clerk = world.clerk(place)
    homes = [index for index in range(8) if index != HOLDER][:6]

    def act(index: int) -> Callable[[], object]:
        new = sheet(place, poll, index)
        return lambda: proxying.enter_proxy(clerk, community_id=place.id, new=new)

    came = together(app, [act(index) for index in homes])
    assert came == ["done"] * 3 + ["proxy.three_already"] * 3
    assert count(PollProxy) == 3


def test_the_database_itself_refuses_a_fourth_place_a_second_sheet_and_a_shared_one(
    app: Flask, world: World, place: Place, poll: str
) -> None:
    """Without the poll held by anybody: the unique keys and the CHECK alone."""
    enter(world, place, poll)
    (kept,) = db.session.execute(select(*PollProxy.__table__.c)).mappings().all()
    values = {name: value for name, value in kept.items() if name != "id"}
    db.session.rollback()
    fresh = {"household_id": place.households[1], "sheet": "WT-new"}
    for wrong in (
        fresh | {"slot": 4},
        fresh | {"slot": 1},
        {"sheet": "WT-new", "slot": 2},
        {"household_id": place.households[1], "slot": 2},
        fresh | {"slot": 2, "holder_household_id": place.households[1]},
        fresh | {"slot": 2, "holder_id": world.clerk(place).person_id},
    ):
        with pytest.raises(IntegrityError), transaction() as session:
            session.execute(PollProxy.__table__.insert().values(values | wrong))  # type: ignore[attr-defined]
    start, refused = threading.Barrier(4), []

    def insert(number: int) -> None:
        with app.app_context():
            start.wait()
            try:
                with transaction() as session:
                    row = values | {
                        "household_id": place.households[number],
                        "sheet": f"WT-{number}",
                        "slot": 2,
                    }
                    session.execute(PollProxy.__table__.insert().values(row))  # type: ignore[attr-defined]
            except IntegrityError:
                refused.append(number)

    db.session.remove()
    threads = [threading.Thread(target=insert, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 3
    assert count(PollProxy) == 2


def test_household_and_holder_at_the_same_moment_are_one_ballot(
    app: Flask, world: World, place: Place, poll: str
) -> None:
    holder, own = world.resident(place, HOLDER), world.resident(place, 0)
    proxy = enter(world, place, poll)
    mine, theirs = world.token(own, place, poll), seal(world, holder, proxy, place)
    came = together(
        app,
        [
            lambda: cast(world, holder, place, proxy, "yes", theirs),
            lambda: voting.cast_ballot(
                own, community_id=place.id, public_id=poll, choice=["no"], token=mine
            ),
        ],
    )
    assert came in (["ballot.by_proxy", "done"], ["ballot.own_first", "done"])
    assert count(Ballot) == 1


def test_taking_back_and_casting_at_the_same_moment_agree(
    app: Flask, world: World, place: Place, poll: str
) -> None:
    holder, own = world.resident(place, HOLDER), world.resident(place, 0)
    proxy = enter(world, place, poll)
    sealed = seal(world, holder, proxy, place)
    came = together(
        app,
        [
            lambda: cast(world, holder, place, proxy, "yes", sealed),
            lambda: proxying.revoke_proxy(own, community_id=place.id, proxy_id=proxy),
        ],
    )
    ballots = count(Ballot)
    assert came == (["done", "proxy.cast_already"] if ballots else ["done", "proxy.over"])
    assert count(PollProxy, PollProxy.ended_at.is_not(None)) == 1 - ballots


def test_a_row_of_a_place_above_three_cannot_even_be_changed_to(
    world: World, place: Place, poll: str
) -> None:
    enter(world, place, poll)
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(update(PollProxy).values(slot=4))
