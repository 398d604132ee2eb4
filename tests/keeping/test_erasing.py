"""Erasing people: nothing of theirs is left anywhere, and everything still adds up."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from app.consultations import operations as topics
from app.consultations.models import Topic
from app.conventions import operations as conventions
from app.conventions.rules import State as Text
from app.core import clock, erasures, jobs
from app.core.actor import SYSTEM, Role
from app.core.db import Base, db, let_go
from app.core.errors import NotAllowed, NotFound, RuleBroken
from app.core.images import Picture
from app.core.record import RecordOpening
from app.discussion import operations as opinions
from app.discussion.models import Post
from app.keeping import backup, engines, persons
from app.meetings import operations as meetings
from app.meetings.models import Meeting, Seat
from app.people import member_queries, memberships
from app.people import operations as people
from app.people.models import HouseholdNotice, LoginSession, Membership, Person, SecurityEvent
from app.voting import operations as voting
from app.voting.models import Ballot, Poll, PollVoter
from tests.conventions.test_journey import TEXT
from tests.keeping.helpers import plain, run

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from app.config import Settings
    from app.core.actor import Actor
    from tests.support.world import Place, World

# What people who work here leave, and nobody else: an account of theirs is ended, not erased.
OF_STAFF = {
    "account_link.made_by",
    "body_acting.given_by",
    "account_link.vouched_by",
    "desk_visit.clerk_id",
    "home_visit.first_id",
    "home_visit.second_id",
    "paper_handed.noted_by",
    "poll_proxy.entered_by",
    "shared_opinion.moderated_by",
    "turnout_look.looked_by",
    "role_proposal.decided_by",
    "role_proposal.proposed_by",
    "role_stand_in.named_by",
    "role_stand_in.person_id",
    "owner_set.decided_by",
    "meeting.confirmed_by",
    "meeting.minutes_by",
    "poll.drafted_by",
    "post.moderated_by",
    "proposal.person_id",
    "roll_upload.asked_by",
    "roll_upload.uploaded_by",
    "staff_account.person_id",
}
EVERYBODY, GONE = 60, 6


def test_erasing_is_told_of_every_column_that_names_a_person(app: Flask) -> None:
    """A column that is added tomorrow has to be forgotten by its room, or named as one of staff."""
    naming = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if column.name == "person_id"
        or any(key.column.table.name == "person" for key in column.foreign_keys)
    }
    assert naming == erasures.columns_told() | OF_STAFF


@dataclass
class Lives:
    """A community in which everybody did everything, and what each of them left."""

    place: Place
    people: list[Actor]
    over: str
    going_on: str
    meeting: str
    topic: str


def canaries(number: int, ref: str) -> list[bytes]:
    """What of one person could be found in raw bytes: reference, words, telephone numbers."""
    words = ["想法", "退回", "等着", "议题"]
    return [ref.encode(), *(f"独有{word}{number:03d}号".encode() for word in words)] + [
        f"139{number:03d}{kind}7777".encode() for kind in (1, 2)
    ]


def everybody_did_everything(world: World) -> Lives:
    place = world.community(households=EVERYBODY)
    clerk = world.clerk(place)
    people = world.voters(place, EVERYBODY)
    over, going_on = world.poll(place), world.poll(place, ("P02",), lasts=timedelta(days=30))
    topic = world.topic(place)
    meeting = world.meeting(place, topic, capacity=EVERYBODY + 5)
    conventions.draft_convention(SYSTEM, community_id=place.id, text=TEXT)
    for number, actor in enumerate(people):
        world.cast(actor, place, over, "yes")
        if number % 3 == 0:
            world.cast(actor, place, over, "no")
        world.cast(actor, place, going_on, "no")
        meetings.join_meeting(actor, community_id=place.id, meeting_id=meeting)
        live_one_life(world, place, actor, number, topic)
    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=over)
    voting.publish_result(SYSTEM, community_id=place.id, public_id=over)
    world.project(place, "P09")
    rating = world.rating(place, "P09")
    for actor in people:
        choice = [f"{option}=4" for option in rated(place, rating)]
        world.cast(actor, place, rating, *choice)
    assert clerk.person_id is not None
    jobs.run_due()
    return Lives(place, people, over, going_on, meeting, topic)


def rated(place: Place, poll: str) -> list[str]:
    from app.voting.queries import poll_view

    return [option for option, _title in poll_view(place.id, poll).options]


def live_one_life(world: World, place: Place, actor: Actor, number: int, topic: str) -> None:
    """Opinions in every state, one of them published, and a topic nobody has seen yet."""
    clerk, about = world.clerk(place), f"topic:{topic}"
    shown = world.post(place, about, actor, f"独有想法{number:03d}号，打 139{number:03d}17777")
    opinions.publish_post(clerk, community_id=place.id, post_id=shown)
    back = world.post(place, about, actor, f"独有退回{number:03d}号")
    opinions.return_post(
        clerk,
        community_id=place.id,
        post_id=back,
        reason="unclear",
        note=f"独有退回{number:03d}号？",
    )
    world.post(place, about, actor, f"独有等着{number:03d}号")
    topics.propose_topic(
        actor,
        community_id=place.id,
        text=topics.TopicText(f"独有议题{number:03d}号", f"打 139{number:03d}27777"),
        proposed_as="居民",
        once=f"t{number}",
        photos=[Picture(large=b"large", thumb=b"thumb", width=1, height=1)] if number == 0 else [],
    )


def everything(settings: Settings) -> bytes:
    """Every byte of the database: the file of SQLite, a dump of the rows of PostgreSQL."""
    jobs.run_due()
    if db.engine.dialect.name == "sqlite":
        path = engines.sqlite_path(settings.database_url)
        return b"".join(
            part.read_bytes() for part in path.parent.glob(f"{path.name}*") if part.is_file()
        )
    with db.engine.connect() as connection:
        rows = [
            repr(tuple(row))
            for table in Base.metadata.sorted_tables
            for row in connection.execute(select(table))
        ]
    return "\n".join(rows).encode()


def left_in(data: bytes, gone: list[tuple[int, str]]) -> list[bytes]:
    return [word for number, ref in gone for word in canaries(number, ref) if word in data]


def in_backup(path: Path, settings: Settings) -> bytes:
    return b"\0".join(plain(path, settings).values())


def test_of_a_tenth_of_the_people_nothing_is_left(
    app: Flask, world: World, kept: Settings, fixed_clock: object
) -> None:
    lives = everybody_did_everything(world)
    place = lives.place
    number = {
        table.name: db.session.scalar(select(func.count()).select_from(table))
        for table in (Ballot.__table__, PollVoter.__table__)
    }
    gone = [(each, lives.people[each].person_ref) for each in range(0, EVERYBODY, 10)]
    assert len(gone) == GONE
    assert kept.backup_dir is not None
    old = backup.take(SYSTEM, folder=kept.backup_dir)
    # That the search finds something where it is.
    assert len(left_in(everything(kept), gone)) == GONE * len(canaries(0, ""))

    for each, _ref in gone:
        persons.erase_own(lives.people[each], community_id=place.id, texts=True)
    assert left_in(everything(kept), gone) == []
    clock.advance(timedelta(minutes=1))
    new = backup.take(SYSTEM, folder=kept.backup_dir)
    if db.engine.dialect.name == "sqlite":
        assert left_in(in_backup(new.path, kept), gone) == []
    assert not list(kept.data_dir.glob("pictures/*/*")), "a photo nobody has seen goes, too"

    # Everything still adds up, and whoever looks at the record from outside finds it whole.
    status, said = run(app, "record", "verify", "HXL")
    assert (status, said.splitlines()[-1]) == (0, "verified=good"), said
    for table in (Ballot.__table__, PollVoter.__table__):
        now = db.session.scalar(select(func.count()).select_from(table))
        assert now == number[table.name], table.name
    over = select(Poll.id).where(Poll.public_id == lives.over).scalar_subquery()
    untied = select(func.count()).where(PollVoter.poll_id == over, PollVoter.household_id.is_(None))
    assert db.session.scalar(untied) == GONE
    named = select(func.count()).where(RecordOpening.name == "choice")
    assert db.session.scalar(named), "what was chosen stays, nameless"

    # An old backup brings them back, and they are erased again.
    let_go()
    status, said = run(app, "restore", str(old.path), "--replace")
    assert (status, f"删除过的 {GONE} 项" in said) == (0, True), said
    assert left_in(everything(kept), gone) == []
    assert run(app, "record", "verify", "HXL")[0] == 0
    lines = (kept.data_dir / erasures.FILE).read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["what"] for line in lines} == {"person"}


def test_what_was_published_stays_nameless_unless_its_author_wants_it_down(
    app: Flask, world: World
) -> None:
    place = world.community(households=3)
    topic = world.topic(place)
    stays, goes = world.resident(place, 0), world.resident(place, 1)
    for actor in (stays, goes):
        post = world.post(place, f"topic:{topic}", actor, "打 13912345678")
        opinions.publish_post(world.clerk(place), community_id=place.id, post_id=post)
    persons.erase_own(stays, community_id=place.id, texts=False)
    persons.erase_own(goes, community_id=place.id, texts=True)
    posts = db.session.execute(select(Post.state, Post.text, Post.original).order_by(Post.id)).all()
    assert [tuple(post) for post in posts] == [
        ("published", "打 139********", "打 139********"),
        ("hidden", "", ""),
    ]
    assert db.session.scalars(select(Post.person_id)).all() == [None, None]
    # Whoever handles what stays is not held up by there being nobody to tell.
    shown = db.session.scalar(select(Post.public_id).where(Post.state == "published"))
    opinions.dispose(
        world.clerk(place),
        community_id=place.id,
        post_id=str(shown),
        disposition="adopted",
        why="有道理",
    )
    assert topics.queries.public_topics(place.id), "the topic goes on"


def test_a_ballot_counts_and_the_household_may_vote_on(
    app: Flask, world: World, fixed_clock: object
) -> None:
    place = world.community(households=3)
    poll = world.poll(place)
    first, second = world.resident(place, 0), world.resident(place, 0)
    alone = world.resident(place, 1)
    for actor in (first, alone):
        world.cast(actor, place, poll, "yes")
    with pytest.raises(RuleBroken, match="other_member"):
        world.cast(second, place, poll, "no")
    for actor in (first, alone):
        persons.erase_own(actor, community_id=place.id, texts=False)
    assert world.cast(second, place, poll, "no").version == 2
    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    result = db.session.scalar(select(Poll.result).where(Poll.public_id == poll))
    assert result is not None
    assert (result["counts"]["yes"], result["counts"]["no"]) == (1, 1)
    tied = select(PollVoter.household_id).where(PollVoter.version > 0).order_by(PollVoter.version)
    # The lonely ballot has lost its household at the closing; the other is the second member's.
    assert db.session.scalars(tied).all() == [None, place.households[0]]
    lines = select(HouseholdNotice).where(HouseholdNotice.household_id == place.households[1])
    assert "voted" not in {line.kind for line in db.session.scalars(lines)}


def test_a_place_in_a_meeting_is_handed_on(app: Flask, world: World) -> None:
    place = world.community(households=4)
    meeting = world.meeting(place, capacity=2, held=1)
    first, waiting = world.voters(place, 2)
    for actor in (first, waiting):
        meetings.join_meeting(actor, community_id=place.id, meeting_id=meeting)
    persons.erase_own(first, community_id=place.id, texts=False)
    (seat,) = db.session.scalars(select(Seat))
    assert (seat.person_id, seat.state) == (waiting.person_id, "coming")
    persons.erase_own(waiting, community_id=place.id, texts=False)
    assert db.session.scalar(select(Meeting.taken)) == 0


def test_whoever_is_erased_is_out_everywhere_and_the_household_is_told(
    app: Flask, world: World
) -> None:
    place = world.community(households=2)
    gone, stays = world.resident(place, 0), world.resident(place, 0)
    persons.erase_own(gone, community_id=place.id, texts=False)
    assert db.session.get(Person, gone.person_id) is None
    assert db.session.scalars(select(LoginSession.person_id)).all() == [stays.person_id]
    assert db.session.scalars(select(Membership.person_id)).all() == [stays.person_id]
    told = db.session.scalars(select(HouseholdNotice.kind).order_by(HouseholdNotice.id)).all()
    assert told[-1] == "member_erased"
    lines = db.session.scalars(select(SecurityEvent)).all()
    assert {line.person_id for line in lines} == {None, stays.person_id}
    with pytest.raises(NotFound):
        persons.erase_own(gone, community_id=place.id, texts=False)


def test_the_desk_erases_for_whoever_stands_there(app: Flask, world: World) -> None:
    place, other = world.community("HXL", 2), world.community("YYL", 2)
    clerk, resident = world.clerk(place), world.resident(place, 0)
    (line,) = db.session.scalars(select(Membership))
    known = {"household_id": place.households[0], "member_id": line.id, "texts": False}
    for role in (Role.COMMITTEE, Role.SUPERVISOR, Role.DISTRICT, Role.ADMINISTRATOR):
        with pytest.raises(NotAllowed):
            persons.erase_present(
                world.staff(place, role).actor,
                community_id=place.id,
                **known,  # type: ignore[arg-type]
            )
    with pytest.raises(NotFound):
        persons.erase_present(
            world.clerk(other),
            community_id=other.id,
            **known,  # type: ignore[arg-type]
        )
    persons.erase_present(clerk, community_id=place.id, **known)  # type: ignore[arg-type]
    assert db.session.get(Person, resident.person_id) is None


def test_news_on_their_way_find_nobody(app: Flask, world: World, fixed_clock: object) -> None:
    place = world.community(households=2)
    actor, topic = world.resident(place, 0), world.topic(place)
    post = world.post(place, f"topic:{topic}", actor)
    opinions.publish_post(world.clerk(place), community_id=place.id, post_id=post)
    persons.erase_own(actor, community_id=place.id, texts=False)
    newcomer = world.resident(place, 1)
    assert jobs.run_due() > 0
    assert run_clean(), "a job that named them is done, not failing"
    from app.people.queries import inbox

    assert inbox(place.id, newcomer.require_person()) == []


def run_clean() -> bool:
    return db.session.scalar(select(func.count()).where(jobs.Job.last_error != "")) == 0


def test_a_proposal_turned_away_keeps_its_title_alone(app: Flask, world: World) -> None:
    from app.consultations.rules import State

    place = world.community(households=2)
    actor, clerk = world.resident(place, 0), world.clerk(place)
    topic = topics.propose_topic(
        actor,
        community_id=place.id,
        text=topics.TopicText("楼道堆物", "我家对门"),
        proposed_as="居民",
        once="x",
    )
    for to in (State.SCREENING, State.REJECTED):
        topics.move_topic(clerk, community_id=place.id, topic_id=topic, to=to, note="归城管")
    persons.erase_own(actor, community_id=place.id, texts=False)
    (row,) = db.session.scalars(select(Topic))
    assert (row.title, row.background, row.original_background) == ("楼道堆物", "", "")
    assert row.person_id is None


def test_a_signature_counts_on_without_the_drawn_name(app: Flask, world: World) -> None:
    from app.conventions.models import Convention, Signature

    place = world.community(households=2)
    actor = world.resident(place, 0)
    conventions.draft_convention(SYSTEM, community_id=place.id, text=TEXT)
    from app.core.db import transaction

    with transaction() as session:
        version = session.scalars(select(Convention)).one()
        version.state = Text.PUBLISHED.value
    sha = db.session.scalars(select(Convention.text_sha256)).one()
    conventions.sign_convention(
        actor,
        community_id=place.id,
        number=1,
        text_sha256=sha,
        drawing=json.dumps([[[each * 9, each * 7] for each in range(30)]]),
    )
    persons.erase_own(actor, community_id=place.id, texts=False)
    (left,) = db.session.scalars(select(Signature))
    assert (left.person_id, left.drawing, left.withdrawn_at) == (None, [], None)


def test_whoever_left_every_household_is_found_at_the_desk(app: Flask, world: World) -> None:
    place = world.community(households=2)
    gone, stays = world.resident(place, 0), world.resident(place, 0)
    memberships.leave_household(gone, community_id=place.id, household_id=place.households[0])
    (line,) = member_queries.former_members(place.id, place.households[0])
    assert line.person_id == gone.person_id
    db.session.rollback()
    persons.erase_present(
        world.clerk(place),
        community_id=place.id,
        household_id=place.households[0],
        member_id=line.member_id,
        texts=False,
    )
    assert db.session.get(Person, gone.person_id) is None
    assert member_queries.former_members(place.id, place.households[0]) == []
    (living,) = member_queries.members(place.id, place.households[0])
    assert living.person_id == stays.person_id


def test_a_former_member_who_lives_in_another_community_is_not_this_desks(
    app: Flask, world: World
) -> None:
    place, other = world.community("HXL", 2), world.community("YYL", 2)
    actor = world.resident(place, 0)
    people.enrol(
        actor,
        code=world.code(other, 0),
        second_fact=world.fact(0),
        adult=True,
        shared_phone=False,
        same_person=True,
    )
    memberships.leave_household(actor, community_id=place.id, household_id=place.households[0])
    (line,) = member_queries.former_members(place.id, place.households[0])
    db.session.rollback()
    with pytest.raises(RuleBroken, match="lives_elsewhere"):
        persons.erase_present(
            world.clerk(place),
            community_id=place.id,
            household_id=place.households[0],
            member_id=line.member_id,
            texts=False,
        )


# --- bytes that deleting alone leaves ----------------------------------------------------------

REMAINS = b"remains-of-a-name-in-a-page"


def leave_remains(settings: Settings) -> None:
    """Bytes of deleted rows, as page splits leave them: linked from nowhere, still in the file."""
    with db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA secure_delete=OFF")
        for number in range(300):
            connection.exec_driver_sql(
                "INSERT INTO security_event (at, kind, facts) VALUES (?, 'x', ?)",
                ("2026-01-01 00:00:00.000000", json.dumps([REMAINS.decode(), number])),
            )
        connection.commit()
        connection.exec_driver_sql("DELETE FROM security_event WHERE kind = 'x'")
        connection.commit()
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    assert remains(settings) > 0


def remains(settings: Settings) -> int:
    """How often they are found in the file and in its log."""
    path = engines.sqlite_path(settings.database_url)
    files = [part for part in path.parent.glob(f"{path.name}*") if part.is_file()]
    return sum(part.read_bytes().count(REMAINS) for part in files)


def test_after_an_erasure_the_job_rewrites_the_file(
    web_app: Flask, web_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a job that does nothing the bytes are there still: so it is the job that takes them."""
    settings = web_app.config["SETTINGS"]
    place = web_world.community(households=3)
    for index, works in ((0, False), (1, True)):
        actor = web_world.resident(place, index)
        leave_remains(settings)
        persons.erase_own(actor, community_id=place.id, texts=False)
        with monkeypatch.context() as patched:
            if not works:
                patched.setattr(persons, "compact", lambda: True)
            assert jobs.run_due() >= 1
        assert (remains(settings) == 0) is works
    db.session.rollback()


def test_a_file_that_somebody_reads_is_rewritten_later(
    web_app: Flask, web_world: World, fixed_clock: object
) -> None:
    settings = web_app.config["SETTINGS"]
    place = web_world.community(households=3)
    actor = web_world.resident(place, 0)
    persons.erase_own(actor, community_id=place.id, texts=False)
    leave_remains(settings)
    with db.engine.connect() as reader:
        reader.exec_driver_sql("SELECT count(*) FROM person").scalar()
        jobs.run_due()
        kept = db.session.scalars(select(jobs.Job).where(jobs.Job.kind == persons.COMPACT)).one()
        assert (kept.done_at, kept.last_error != "") == (None, True)
        db.session.rollback()
        reader.rollback()
    clock.advance(timedelta(hours=1))
    jobs.run_due()
    assert remains(settings) == 0
