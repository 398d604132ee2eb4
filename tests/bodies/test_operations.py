"""Bodies are listed in the open, persons act for them unnamed, and what has ended is over."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from flask import g
from sqlalchemy import func, select

from app.bodies import operations, queries
from app.bodies.models import Acting, Body
from app.bodies.operations import BodyText, NewActing
from app.bodies.rules import Kind
from app.communities import queries as places
from app.core import clock
from app.core.actor import SYSTEM, Role
from app.core.db import db
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.core.record import RecordEntry, RecordOpening
from app.discussion import operations as opinions
from app.discussion import queries as posts
from app.discussion.models import Post
from app.keeping import persons, retention
from app.meetings import parties
from app.meetings import queries as meetings
from app.meetings.rules import Presence
from app.people import browser, memberships
from app.people import queries as persons_queries
from app.people.models import Person, RoleGrant, SecurityEvent

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.actor import Actor
    from tests.support.world import Place, World

MONTH = timedelta(days=30)


def entries(kind: str) -> list[str]:
    db.session.rollback()
    rows = select(RecordEntry.entry).where(RecordEntry.kind == kind).order_by(RecordEntry.id)
    return list(db.session.scalars(rows))


def refused() -> list[object]:
    db.session.rollback()
    kind = SecurityEvent.kind == "acting.attempt_refused"
    rows = db.session.scalars(select(SecurityEvent).where(kind).order_by(SecurityEvent.id))
    return [row.facts["why"] for row in rows]


def end(actor: Actor, place: Place, acting: int, word: str = "换人了") -> None:
    operations.end_acting(actor, community_id=place.id, acting_id=acting, word=word)


def text_of(name: str, kind: Kind = Kind.PROPERTY_COMPANY, contact: str = "") -> BodyText:
    return BodyText(kind, name, clock.now(), contact)


def test_a_body_is_listed_corrected_and_closed_in_the_open(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 2)
    clerk, mine = world.clerk(place), {"community_id": world.community("YYL", 1).id}
    body = world.body(place, Kind.PROPERTY_COMPANY, "安居物业公司")
    again = text_of("安居物业公司")
    with pytest.raises(RuleBroken, match=r"body\.twice"):
        operations.add_body(clerk, community_id=place.id, text=again)
    other = world.body(place, Kind.AGENCY, "住建局")
    with pytest.raises(RuleBroken, match=r"body\.twice"):
        operations.correct_body(clerk, community_id=place.id, body_id=other, text=again)
    corrected = text_of("栖河安居物业公司", contact="值班室 024-88880000")
    operations.correct_body(clerk, community_id=place.id, body_id=body, text=corrected)
    with pytest.raises(RuleBroken, match=r"body\.same"):
        operations.correct_body(clerk, community_id=place.id, body_id=body, text=corrected)
    with pytest.raises(NotAllowed):
        operations.correct_body(clerk, body_id=body, text=corrected, **mine)
    with pytest.raises(NotFound):
        operations.correct_body(world.clerk(place), community_id=place.id, body_id="x", text=again)
    with pytest.raises(RuleBroken, match=r"body\.no_word"):
        operations.close_body(clerk, community_id=place.id, body_id=body, reason=" ")
    operations.close_body(clerk, community_id=place.id, body_id=body, reason="合同到期")
    with pytest.raises(RuleBroken, match=r"body\.closed"):
        operations.close_body(clerk, community_id=place.id, body_id=body, reason="合同到期")
    # Its name is free again.
    world.body(place, Kind.PROPERTY_COMPANY, "栖河安居物业公司")
    assert [len(entries(f"body.{kind}")) for kind in ("listed", "changed", "closed")] == [3, 1, 1]
    (changed,) = entries("body.changed")
    assert '"name":"栖河安居物业公司"' in changed
    assert "88880000" not in changed


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.DESIGNER, Role.DISTRICT])
def test_the_list_is_the_committees_to_keep(
    world: World, fixed_clock: datetime, role: Role
) -> None:
    place = world.community("HXL", 2)
    actor = world.staff(place, role).actor
    with pytest.raises(NotAllowed):
        operations.add_body(actor, community_id=place.id, text=text_of("某公司"))


def test_who_acts_for_a_body_is_committed_to_and_not_named(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 2)
    body, person = world.body(place), world.resident(place)
    acting = world.acting(place, body, person)
    (entry,) = entries("body.acting_given")
    assert f'"body":"{body}"' in entry
    for secret in (person.person_ref, "有来函", "王阿姨"):
        assert secret not in entry
    (one,) = queries.acting_now(place.id)
    assert (one.id, one.called, one.body) == (acting, "3 号楼王阿姨", "一区业主委员会")
    assert queries.body(place.id, body).acted_for
    end(person, place, acting, "")
    (ended,) = entries("body.acting_ended")
    assert '"by_holder":true' in ended
    assert '"actor":"body_delegate"' in ended
    assert not queries.body(place.id, body).acted_for


def test_what_is_given_in_vain_is_noted(world: World, fixed_clock: datetime) -> None:
    place, other = world.community("HXL", 3), world.community("YYL", 2)
    clerk, person = world.clerk(place), world.resident(place)
    body, watch = world.body(place), world.body(place, Kind.SUPERVISION, "居务监督委员会")
    topic, elsewhere = world.topic(place), world.topic(other)
    day = timedelta(days=1)

    def give(target: str, who: Actor, **changes: object) -> None:
        new = NewActing(who.require_person(), clock.now() + MONTH, "有来函")
        new = replace(new, **changes)  # type: ignore[arg-type]
        operations.give_acting(clerk, community_id=place.id, body_id=target, new=new)

    tries = [
        ("self", lambda: give(body, clerk)),
        ("past", lambda: give(body, person, ends_at=clock.now())),
        ("too_long", lambda: give(body, person, ends_at=clock.now() + 367 * day)),
        ("no_ground", lambda: give(body, person, ground=" ")),
        ("not_of_it", lambda: give(watch, person)),
        ("no_person", lambda: give(body, world.resident(other))),
        ("no_person", lambda: give(body, world.staff(other, Role.DESIGNER).actor)),
        ("no_scope", lambda: give(body, person, scope=f"topic:{elsewhere}")),
        ("no_scope", lambda: give(body, person, scope="poll:x")),
    ]
    for problem, attempt in tries:
        with pytest.raises(RuleBroken, match=rf"body\.{problem}"):
            attempt()
    give(body, person, scope=f"topic:{topic}")
    with pytest.raises(RuleBroken, match=r"body\.acts_already"):
        give(body, person, scope=f"topic:{topic}")
    give(body, person)
    operations.close_body(clerk, community_id=place.id, body_id=body, reason="换届")
    with pytest.raises(RuleBroken, match=r"body\.closed"):
        give(body, person)
    with pytest.raises(NotFound):
        give("nobody", person)
    assert refused() == [*(problem for problem, _try in tries), "acts_already", "closed"]
    assert len(entries("body.acting_given")) == 2


def test_who_watches_the_committee_is_not_silenced_by_it(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 2)
    body = world.body(place, Kind.SUPERVISION, "居务监督委员会")
    first, second = (world.staff(place, Role.SUPERVISOR).actor for _ in range(2))
    acting = world.acting(place, body, first)
    with pytest.raises(RuleBroken, match=r"body\.not_yours"):
        end(world.clerk(place), place, acting)
    with pytest.raises(RuleBroken, match=r"body\.no_word"):
        end(second, place, acting, " ")
    end(second, place, acting)
    with pytest.raises(NotFound):
        end(second, place, acting)
    assert refused() == ["not_yours", "no_word"]


def test_acting_for_a_body_opens_nothing_at_the_desk(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 2)
    person, cookie = world.signed_in(place)
    world.acting(place, world.body(place), person)
    found = persons_queries.session_by_hash(browser.hash_of(cookie))
    assert found is not None
    assert found.actor.has(Role.BODY, place.id)
    assert found.roles_changed
    assert not found.actor.is_staff
    for attempt in (
        lambda: operations.add_body(found.actor, community_id=place.id, text=text_of("某公司")),
        lambda: opinions.publish_post(found.actor, community_id=place.id, post_id="x"),
    ):
        with pytest.raises(NotAllowed):
            attempt()


def test_two_who_give_the_same_at_once_give_it_once(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 2)
    body, person = world.body(place), world.resident(place)
    clerks = [world.clerk(place), world.staff(place, Role.COMMITTEE).actor]
    gate = threading.Barrier(2)

    def one(actor: Actor) -> str:
        with world.app.app_context():
            new = NewActing(person.require_person(), clock.now() + MONTH, "有来函")
            gate.wait()
            try:
                operations.give_acting(actor, community_id=place.id, body_id=body, new=new)
            except RuleBroken as error:
                return error.code
            return "given"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(one, clerks)) == ["body.acts_already", "given"]
    db.session.rollback()
    assert db.session.scalar(select(func.count(Acting.id))) == 1


# --- speaking ------------------------------------------------------------------------------------


def test_what_is_said_for_a_body_bears_its_name_and_nobodys(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 2)
    body, person = world.body(place), world.resident(place)
    topic = world.topic(place)
    world.acting(place, body, person, f"topic:{topic}")
    about = f"topic:{topic}"
    post = world.post(place, about, person, "我们管后面的维修。", body)
    own = world.post(place, about, person, "我自己赞成。")
    for each in (post, own):
        opinions.publish_post(world.clerk(place), community_id=place.id, post_id=each)
    shown = {one.public_id: (one.role, one.body) for one in posts.opinions(place.id, about)}
    assert shown == {
        post: ("body_delegate", "一区业主委员会"),
        own: ("resident", ""),
    }
    (entry,) = entries("post.published_for")
    assert f'"body":"{body}"' in entry
    assert person.person_ref not in entry
    assert len(entries("post.published")) == 1


def test_out_of_scope_or_time_is_refused_and_noted(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 3)
    body, other = world.body(place), world.body(place, Kind.AGENCY, "住建局")
    person, stranger = world.resident(place), world.resident(place, 1)
    topic, elsewhere = world.topic(place), world.topic(place, title="车位不够")
    about = f"topic:{topic}"
    acting = world.acting(place, body, person, about, days=30)

    def say(who: Actor, subject: str, name: str) -> None:
        world.post(place, subject, who, "我们支持。", name)

    for problem, attempt in [
        ("scope", lambda: say(person, f"topic:{elsewhere}", body)),
        ("none", lambda: say(person, about, other)),
        ("none", lambda: say(stranger, about, body)),
    ]:
        with pytest.raises(RuleBroken, match=rf"body\.{problem}"):
            attempt()
    with pytest.raises(NotFound):
        say(person, about, "nobody")
    clock.advance(MONTH - timedelta(seconds=1))
    say(person, about, body)
    clock.advance(timedelta(seconds=1))
    with pytest.raises(RuleBroken, match=r"body\.ended"):
        say(person, about, body)
    with pytest.raises(NotFound):
        end(person, place, acting)
    # Time has made room: it can be given again.
    world.acting(place, body, person, about)
    say(person, about, body)
    operations.close_body(world.clerk(place), community_id=place.id, body_id=body, reason="撤了")
    with pytest.raises(RuleBroken, match=r"body\.closed"):
        say(person, about, body)
    assert refused() == ["scope", "none", "none", "ended", "closed"]
    db.session.rollback()
    assert db.session.scalar(select(func.count(Post.id))) == 2


def test_a_designer_speaks_for_their_practice_alone(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 2)
    code, designer = world.project(place, "P01"), world.staff(place, Role.DESIGNER).actor
    about = f"design:{world.design(place, designer, code)}"
    body = world.body(place, Kind.DESIGN_PRACTICE, "栖河规划设计所")
    with pytest.raises(NotAllowed):
        world.post(place, about, designer, "请看图。", body)
    world.acting(place, body, designer, f"project:{code}")
    acting_now = replace(designer, grants=(*designer.grants, _grant(designer)))
    with pytest.raises(RuleBroken, match=r"body\.only_for_it"):
        world.post(place, about, acting_now, "请看图。")
    world.post(place, about, acting_now, "请看图。", body)
    thing = f"project:{code}"
    person = designer.require_person()
    assert queries.acted_for_at(place.id, person, thing, clock.now()) == ["栖河规划设计所"]
    assert queries.acted_for_at(place.id, person, "project:P02", clock.now()) == []


def _grant(actor: Actor) -> object:
    found = persons_queries.grants_of(actor.require_person(), clock.now(), staff=True)
    return next(one for one in found if one.role is Role.BODY)


def test_where_nothing_is_told_in_the_record_no_body_speaks(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 2)
    code, person, body = world.project(place, "P01"), world.resident(place), world.body(place)
    world.rating(place, code)
    world.acting(place, body, person)
    with pytest.raises(RuleBroken, match=r"post\.closed"):
        world.post(place, f"rating:{code}", person, "好用。", body)


def test_what_was_returned_is_reworded_only_while_one_acts(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 2)
    body, person = world.body(place), world.resident(place)
    about = f"topic:{world.topic(place)}"
    acting = world.acting(place, body, person)
    post = world.post(place, about, person, "请找张三。", body)
    mine = {"community_id": place.id, "post_id": post}
    opinions.return_post(world.clerk(place), reason="personal_data", **mine)
    with world.app.test_request_context():
        g.place = places.community_by_code(place.code)
        opinions.rewrite_post(person, text="请找我们办公室。", **mine)
        opinions.return_post(world.clerk(place), reason="unclear", **mine)
        end(person, place, acting)
        for attempt in (opinions.rewrite_post, opinions.appeal_post):
            with pytest.raises(RuleBroken, match=r"body\.ended"):
                attempt(person, text="还是要说。", **mine)
    assert refused() == ["ended", "ended"]
    assert posts.post(place.id, post).original == "请找我们办公室。"


# --- meetings ------------------------------------------------------------------------------------


def presence(place: Place, meeting: str) -> list[tuple[str, str, str]]:
    db.session.rollback()
    found = meetings.parties(place.id, meeting)
    return [(one.name, one.presence.value, one.reason) for one in found]


def test_a_meeting_knows_who_is_due_who_came_and_who_did_not_and_why(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 3)
    clerk, person = world.clerk(place), world.resident(place)
    owners = world.body(place)
    school = world.body(place, Kind.RESIDENT_ORGANISATION, "北苑小学")
    called = ("一区业主委员会", "二区居民代表 3 人", "一区业主委员会", " ")
    meeting = world.meeting(place, parties=called)
    mine = {"community_id": place.id, "meeting_id": meeting}
    parties.call_body(clerk, body_id=school, **mine)
    with pytest.raises(RuleBroken, match=r"meeting\.party_twice"):
        parties.call_body(clerk, body_id=school, **mine)
    with pytest.raises(RuleBroken, match=r"meeting\.party_twice"):
        parties.call_body(clerk, body_id=owners, **mine)
    world.acting(place, owners, person, f"meeting:{meeting}")
    actor = replace(person, grants=(_grant(person),))  # type: ignore[arg-type]
    with pytest.raises(RuleBroken, match=r"meeting\.no_excuse"):
        parties.answer_for_body(actor, body_id=owners, answer="declined", **mine)
    with pytest.raises(RuleBroken, match=r"meeting\.answer"):
        parties.answer_for_body(actor, body_id=owners, answer="present", **mine)
    with pytest.raises(RuleBroken, match=r"body\.none"):
        parties.answer_for_body(actor, body_id=school, answer="coming", **mine)
    with pytest.raises(NotAllowed):
        parties.answer_for_body(clerk, body_id=school, answer="coming", **mine)
    parties.answer_for_body(actor, body_id=owners, answer="declined", reason="那天换届", **mine)
    parties.answer_for_body(actor, body_id=owners, answer="coming", **mine)
    assert presence(place, meeting)[0] == ("一区业主委员会", "coming", "")
    first, second, third = (one.id for one in meetings.parties(place.id, meeting))
    with pytest.raises(RuleBroken, match=r"meeting\.doors_closed"):
        parties.note_presence(clerk, party_id=first, seen="present", **mine)
    clock.advance(timedelta(days=10))
    parties.note_presence(clerk, party_id=first, seen="present", **mine)
    parties.note_presence(clerk, party_id=second, seen="present", **mine)
    with pytest.raises(RuleBroken, match=r"meeting\.no_excuse"):
        parties.note_presence(clerk, party_id=third, seen="absent", **mine)
    parties.note_presence(clerk, party_id=third, seen="absent", reason="放假", **mine)
    with pytest.raises(RuleBroken, match=r"meeting\.too_late"):
        parties.answer_for_body(actor, body_id=owners, answer="coming", **mine)
    with pytest.raises(NotFound):
        parties.note_presence(clerk, party_id=999, seen="present", **mine)
    assert presence(place, meeting) == [
        ("一区业主委员会", "present", ""),
        ("二区居民代表 3 人", "present", ""),
        ("北苑小学", "absent", "放假"),
    ]
    assert [len(entries(f"party.{kind}")) for kind in ("called", "answered", "seen")] == [1, 2, 3]
    assert "放假" not in "".join(entries("party.seen"))


def test_a_topics_parties_are_due_at_its_meeting(world: World, fixed_clock: datetime) -> None:
    from app.consultations import operations as topics

    place = world.community("HXL", 2)
    world.body(place)
    topic = world.topic(place)
    topics.describe_topic(
        world.clerk(place),
        community_id=place.id,
        topic_id=topic,
        text=topics.TopicText("长椅", "没有地方坐。", "放哪里？", "一区业主委员会\n居民代表"),
    )
    meeting = world.meeting(place, topic)
    found = meetings.parties(place.id, meeting)
    assert [(one.name, bool(one.body_id), one.presence) for one in found] == [
        ("一区业主委员会", True, Presence.DUE),
        ("居民代表", False, Presence.DUE),
    ]


# --- leaving -------------------------------------------------------------------------------------


@pytest.mark.parametrize("texts", [False, True])
def test_who_is_erased_acts_for_nobody_and_what_was_said_stays(
    world: World, fixed_clock: datetime, texts: bool
) -> None:
    place = world.community("HXL", 2)
    body, person = world.body(place), world.resident(place)
    about = f"topic:{world.topic(place)}"
    world.acting(place, body, person, about)
    ended = world.acting(place, body, person)
    end(person, place, ended)
    post = world.post(place, about, person, "我们管。", body)
    opinions.publish_post(world.clerk(place), community_id=place.id, post_id=post)
    persons.erase_own(person, community_id=place.id, texts=texts)
    db.session.rollback()
    assert db.session.scalar(select(func.count(Acting.id))) == 0
    assert db.session.get(Person, person.person_id) is None
    grants = select(func.count(RoleGrant.id)).where(RoleGrant.role == "body_delegate")
    assert db.session.scalar(grants) == 0
    assert [one.body for one in posts.opinions(place.id, about)] == ["一区业主委员会"]
    # One that had ended is not ended twice.
    assert len(entries("body.acting_ended")) == 2
    left = db.session.scalars(select(RecordOpening.value))
    assert not [value for value in left if person.person_ref in value or "有来函" in value]
    assert db.session.scalar(select(Body.closed_at)) is None


def test_a_year_after_its_end_nobody_knows_who_acted(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 2)
    body, person, other = world.body(place), world.resident(place), world.resident(place, 1)
    end(person, place, world.acting(place, body, person))
    world.acting(place, body, other, days=366)
    clock.advance(timedelta(days=366, minutes=1))
    erased = {one.field: one.number for one in retention.run(SYSTEM)}
    assert erased["body_acting"] == 2
    db.session.rollback()
    assert list(db.session.scalars(select(Acting.person_id))) == [other.person_id]
    grants = select(func.count(RoleGrant.id)).where(RoleGrant.role == "body_delegate")
    assert db.session.scalar(grants) == 1


def test_who_leaves_their_household_acts_for_nobody_but_a_designer_goes_on(
    world: World, fixed_clock: datetime
) -> None:
    place = world.community("HXL", 2)
    body, person = world.body(place), world.resident(place)
    designer = world.staff(place, Role.DESIGNER).actor
    world.acting(place, body, person)
    world.acting(place, body, designer)
    home = place.households[0]
    memberships.leave_household(person, community_id=place.id, household_id=home)
    assert [one.person_id for one in queries.acting_now(place.id)] == [designer.person_id]
    (line,) = queries.acting_of(place.id, person.require_person())
    assert line.ends_at == clock.now()


def test_nobody_decides_on_what_they_wrote_themselves(world: World, fixed_clock: datetime) -> None:
    place = world.community("HXL", 2)
    body = world.body(place, Kind.RESIDENTS_COMMITTEE, "槐香里居民委员会")
    member = world.staff(place, Role.COMMITTEE).actor
    about = f"topic:{world.topic(place)}"
    world.acting(place, body, member)
    actor = replace(member, grants=(*member.grants, _grant(member)))  # type: ignore[arg-type]
    mine = {
        "community_id": place.id,
        "post_id": world.post(place, about, actor, "下月开会。", body),
    }
    why = {"disposition": "adopted", "why": "有理"}
    with pytest.raises(RuleBroken, match=r"post\.own"):
        opinions.publish_post(actor, **mine)
    with pytest.raises(RuleBroken, match=r"post\.own"):
        opinions.return_post(actor, reason="unclear", **mine)
    opinions.publish_post(world.clerk(place), **mine)
    with pytest.raises(RuleBroken, match=r"post\.own"):
        opinions.dispose(actor, **mine, **why)
    opinions.dispose(world.clerk(place), **mine, **why)
