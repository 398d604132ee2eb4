"""What has been kept long enough goes, field by field, and the record still verifies."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from app import config, create_app
from app.assisting.models import DeskVisit, HomeVisit, PaperRequest
from app.assisting.rules import Asked, Checked, Outcome, PartOfDay, VisitPurpose
from app.communities.models import RollPiece, RollUpload, UploadState
from app.core import clock, jobs
from app.core.actor import SYSTEM, WITHOUT_ACCOUNT, Actor, Role
from app.core.db import db, transaction
from app.core.errors import NotAllowed, RuleBroken
from app.core.jobs import Job
from app.core.record import RecordEntry, RecordOpening
from app.core.sent import SentForm
from app.correcting.models import CorrectionRequest
from app.correcting.rules import State, What
from app.keeping import backup, engines, operations, queries, retention
from app.keeping.fields import FIELDS
from app.people.models import (
    DeskConfirmation,
    HouseholdCode,
    HouseholdNotice,
    HouseholdNoticeKind,
    LoginSession,
    PersonNotice,
    PersonNoticeKind,
    RoleGrant,
    SecurityEvent,
)
from app.policy.roles import PROPOSAL_LASTS
from app.roles.models import RoleProposal, RoleStandIn
from app.voting import operations as voting
from app.voting.models import Ballot, Poll, PollProxy
from app.voting.proxy_rules import Seen
from tests.conftest import settings_for
from tests.keeping.helpers import heads, lived_in, plain, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask

    from app.config import Settings
    from tests.support.world import Place, World


def number(model: Any) -> int:
    found = db.session.scalar(select(func.count()).select_from(model)) or 0
    db.session.rollback()
    return found


def one_of_each(place: Place, person_id: int, ended: datetime) -> list[Any]:
    """A row of every field that ended then."""
    household = place.households[0]
    here = {"community_id": place.id}
    name = f"{ended:%Y%m%d%H%M}"
    return [
        LoginSession(
            id_hash=name,
            person_id=person_id,
            staff=False,
            shared_phone=False,
            created_at=ended,
            last_seen_at=ended,
            expires_at=ended + timedelta(days=3000),
            ended_at=ended,
        ),
        DeskConfirmation(
            **here, household_id=household, number_hash=name, given_at=ended, expires_at=ended
        ),
        DeskVisit(
            **here,
            household_id=household,
            seat_id=person_id,
            clerk_id=person_id,
            checked=Checked.KNOWN,
            began_at=ended,
            until=ended,
            ended_at=ended,
        ),
        PaperRequest(
            **here,
            household_id=household,
            poll_id=None,
            asked=Asked.OWN,
            asked_by=person_id,
            asked_at=ended,
            ended_at=ended,
        ),
        HomeVisit(
            **here,
            household_id=household,
            purpose=VisitPurpose.VOTE,
            wished=PartOfDay.ANY,
            asked=Asked.OWN,
            asked_by=person_id,
            asked_at=ended,
            outcome=Outcome.UNWANTED,
            done_at=ended,
        ),
        CorrectionRequest(
            **here,
            household_id=household,
            person_id=person_id,
            once=name,
            what=What.PHONE,
            text="x",
            asked_at=ended,
            state=State.CORRECTED,
            answered_at=ended,
        ),
        HouseholdCode(
            **here,
            household_id=household,
            code_hash=name,
            generation=9,
            issued_at=ended,
            expires_at=ended,
        ),
        RollUpload(
            **here,
            public_id=name,
            file_name="x.xlsx",
            uploaded_by=None,
            uploaded_at=ended,
            state=UploadState.READY,
            sheets=[],
            notes={},
            counts={},
        ),
        PersonNotice(
            **here,
            person_id=person_id,
            key=name,
            kind=PersonNoticeKind.REVISED,
            about="topic:x",
            at=ended,
        ),
        HouseholdNotice(**here, household_id=household, kind=HouseholdNoticeKind.JOINED, at=ended),
        RoleProposal(
            **here,
            role=Role.DESIGNER,
            person_id=person_id,
            called="",
            scope=name,
            ends_at=ended,
            reason="会上商定",
            proposed_by=person_id,
            proposed_as=Role.CLERK,
            proposed_at=ended,
            outcome="refused",
            decided_at=ended,
        ),
        RoleStandIn(
            **here,
            person_id=person_id,
            named_by=person_id,
            named_at=ended,
            ends_at=ended + timedelta(days=3000),
            reason="没有第二个人",
            ended_at=ended,
        ),
        Job(kind="x", key=name, payload={}, due_at=ended, done_at=ended),
        SentForm(mark=name, at=ended),
        SecurityEvent(at=ended, kind="old"),
    ]


def test_what_is_over_goes_and_what_is_not_stays(
    app: Flask, world: World, kept: Settings, fixed_clock: datetime
) -> None:
    place, _poll = lived_in(world, kept, votes=1)
    resident = world.resident(place, 6)
    days = {period.name: period.days for period in retention_periods()}
    with transaction() as session:
        # Just beyond each field's own line, and once well within all of them.
        for period in sorted({days[name] for name in FIELDS}):
            moment = fixed_clock - timedelta(days=period, minutes=1)
            session.add_all(one_of_each(place, resident.require_person(), moment))
        session.add_all(
            one_of_each(
                place, resident.require_person(), fixed_clock - timedelta(hours=23, minutes=59)
            )
        )
    before = {model: number(model) for model in (Ballot, RecordEntry)}
    expected = retention.look()
    dry_status, said = run(app, "retention", "run", "--dry-run")
    assert (dry_status, "将删除" in said) == (0, True)
    assert retention.look() == expected
    status, said = run(app, "retention", "run")
    assert (status, said.splitlines()[-1]) == (0, retention.summary(expected))
    # Distinct old moments: 1, 2, 30 and 366 days; a shorter period sees more of them.
    assert retention.summary(expected) == (
        "sessions=2 desk_numbers=4 desk_visits=1 body_acting=0 owner_roles=0 proxies=0 outreach=2 "
        "corrections=1 codes=1 roll_uploads=2 inbox=2 role_proposals=2 jobs=2 sent_forms=3 "
        "security_log=1 openings=0"
    )
    assert [one.number for one in retention.look()] == [0] * len(expected)
    assert number(LoginSession) > 0
    assert number(Job) > 0
    assert number(HouseholdCode) > 0
    assert {model: number(model) for model in before} == before
    line = db.session.scalars(
        select(SecurityEvent).where(SecurityEvent.kind == "retention.run")
    ).one()
    assert line.facts["sessions"] == 2
    # Again: nothing more, and one more line.
    assert run(app, "retention", "run")[0] == 0


def test_a_proposal_stays_while_its_role_is_held_or_somebody_may_still_decide(
    app: Flask, world: World, kept: Settings, fixed_clock: datetime
) -> None:
    place, _poll = lived_in(world, kept, votes=0)
    resident = world.resident(place, 6)
    year, person = timedelta(days=366), resident.require_person()
    open_one, lapsed, held, ended = (
        next(
            one
            for one in one_of_each(place, person, fixed_clock - year - timedelta(minutes=number))
            if isinstance(one, RoleProposal)
        )
        for number in range(1, 5)
    )
    for one in (open_one, lapsed):
        one.outcome, one.decided_at = "", None
    open_one.proposed_at = fixed_clock - year
    lapsed.proposed_at = fixed_clock - year - PROPOSAL_LASTS - timedelta(minutes=1)
    with transaction() as session:
        session.add_all((open_one, lapsed, held, ended))
        session.flush()
        for one, until in ((held, fixed_clock), (ended, fixed_clock - year - timedelta(1))):
            grant = RoleGrant(
                person_id=person,
                role=Role.REPRESENTATIVE,
                community_id=place.id,
                starts_at=fixed_clock - 2 * year,
                ends_at=until,
            )
            session.add(grant)
            session.flush()
            one.outcome, one.grant_id = "given", grant.id
        kept_ids = {open_one.id, held.id}
    retention.run(SYSTEM)
    assert set(db.session.scalars(select(RoleProposal.id))) == kept_ids


def retention_periods() -> Any:
    from app.keeping.rules import PERIODS

    return PERIODS


def test_authorities_go_with_their_poll(
    app: Flask, world: World, kept: Settings, fixed_clock: datetime
) -> None:
    place, poll = lived_in(world, kept, votes=1)
    going_on = world.poll(place, ("P77",))
    with transaction() as session:
        for sheet in (poll, going_on):
            found = session.scalars(select(Poll).where(Poll.public_id == sheet)).one()
            found.closed_at = fixed_clock if sheet == poll else None
            session.add(
                PollProxy(
                    community_id=place.id,
                    poll_id=found.id,
                    household_id=place.households[1],
                    holder_key="household",
                    holder_household_id=place.households[2],
                    holder_id=None,
                    holder_name="",
                    slot=1,
                    sheet=sheet,
                    seen=Seen.PRESENT,
                    entered_by=None,
                    given_at=fixed_clock,
                    until=fixed_clock,
                )
            )
    clock.advance(timedelta(days=367))
    assert run(app, "retention", "run")[0] == 0
    assert number(PollProxy) == 1, "of the poll that is closed alone"


def test_of_what_is_erased_no_byte_is_left_in_the_file_or_in_a_new_backup(
    app: Flask, world: World, kept: Settings, fixed_clock: datetime
) -> None:
    place, _poll = lived_in(world, kept, votes=0)
    phone = "13900" + "987654321"
    with transaction() as session:
        upload = RollUpload(
            community_id=place.id,
            public_id="x",
            file_name="x.xlsx",
            uploaded_by=None,
            uploaded_at=fixed_clock - timedelta(days=31),
            state=UploadState.READY,
            sheets=[],
            notes={},
            counts={},
        )
        session.add(upload)
        session.flush()
        rows = json.dumps([[number, ["a", "b"], phone] for number in range(500)])
        piece = RollPiece(
            community_id=place.id, upload_id=upload.id, sheet=0, position=0, rows=rows
        )
        session.add(piece)
    assert [one.number for one in retention.run(SYSTEM) if one.field == "roll_uploads"] == [2]
    assert kept.backup_dir is not None
    packed = backup.take(SYSTEM, folder=kept.backup_dir)
    assert phone.encode() not in plain(packed.path, kept)["database"]
    if db.engine.dialect.name == "postgresql":
        return
    with db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    path = engines.sqlite_path(kept.database_url)
    assert phone.encode() not in path.read_bytes()


def test_it_goes_in_batches(
    app: Flask, world: World, fixed_clock: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = fixed_clock - timedelta(days=4000)
    with transaction() as session:
        session.add_all(SecurityEvent(at=long_ago, kind="old") for _ in range(25))
    assert operations.erase_batch(SYSTEM, field="security_log", before=fixed_clock, most=10) == 10
    monkeypatch.setattr(retention, "BATCH", 4)
    erased = {one.field: one.number for one in retention.run(SYSTEM)}
    assert erased["security_log"] == 15
    assert db.session.scalar(select(func.count()).where(SecurityEvent.kind == "old")) == 0


def closed_poll(world: World, settings: Settings) -> tuple[Place, str]:
    place, poll = lived_in(world, settings)
    changed_mind = world.resident(place, 5)
    world.cast(changed_mind, place, poll, "yes")
    world.cast(changed_mind, place, poll, "no")
    clock.advance(timedelta(days=8))
    world.cast(world.resident(place, 7), place, poll, "no")
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    return place, poll


def test_choices_go_after_their_period_and_the_record_still_verifies(
    app: Flask, world: World, kept: Settings, fixed_clock: datetime
) -> None:
    place, poll = closed_poll(world, kept)
    other = world.poll(place, ("P02",))
    world.cast(world.resident(place, 6), place, other, "no")
    clock.advance(timedelta(days=1826) - timedelta(minutes=1))
    assert queries.polls_over(clock.now() - timedelta(days=1826)) == []
    clock.advance(timedelta(minutes=2))
    status, said = run(app, "retention", "run", "--dry-run")
    assert (status, said.splitlines()[-1].split()[-1]) == (0, "openings=1")
    status, said = run(app, "retention", "run")
    assert (status, said.splitlines()[-1].split()[-1]) == (0, "openings=1")
    # What was chosen is nowhere any more; how many chose what is.
    rows = db.session.execute(
        select(Ballot.choice, func.count())
        .join(RecordOpening, RecordOpening.seq == Ballot.entry_seq, isouter=True)
        .group_by(Ballot.choice)
        .order_by(Ballot.choice)
    ).all()
    assert "null" in {row[0] for row in rows}
    seqs = select(RecordEntry.seq).where(
        RecordEntry.subject == f"poll:{poll}", RecordEntry.kind.startswith("ballot.")
    )
    assert db.session.scalar(select(func.count()).where(RecordOpening.seq.in_(seqs))) == 0
    # The open poll keeps its choices.
    assert '"no"' in {row[0] for row in rows}
    entry = db.session.scalars(
        select(RecordEntry).where(RecordEntry.kind == "openings.erased")
    ).one()
    assert f'"poll":"{poll}"' in entry.entry
    status, said = run(app, "record", "verify", "HXL")
    assert (status, "已销毁" in said, said.splitlines()[-1]) == (0, True, "verified=good"), said
    # Once is enough.
    status, said = run(app, "retention", "run")
    assert said.splitlines()[-1].split()[-1] == "openings=0"


def test_erasing_twice_leaves_one_entry_and_an_open_poll_is_refused(
    app: Flask, world: World, kept: Settings, fixed_clock: datetime
) -> None:
    place, poll = closed_poll(world, kept)
    open_one = world.poll(place, ("P02",))
    with pytest.raises(RuleBroken, match="not_closed"):
        voting.erase_openings(SYSTEM, community_id=place.id, public_id=open_one)
    assert voting.erase_openings(SYSTEM, community_id=place.id, public_id=poll) > 0
    before = heads()
    assert voting.erase_openings(SYSTEM, community_id=place.id, public_id=poll) == 0
    assert heads() == before


def test_nobody_erases_at_will(app: Flask, world: World, kept: Settings) -> None:
    place, poll = lived_in(world, kept, votes=0)
    for role in Role:
        if role in {Role.SYSTEM, Role.RESIDENT} | WITHOUT_ACCOUNT:
            continue
        actor = Actor() if role is Role.ADMINISTRATOR else world.staff(place, role).actor
        with pytest.raises(NotAllowed):
            voting.erase_openings(actor, community_id=place.id, public_id=poll)
        with pytest.raises(NotAllowed):
            retention.run(actor)


def test_pages_of_an_erased_poll_still_open(
    app: Flask, world: World, kept: Settings, fixed_clock: datetime
) -> None:
    """The result stays, the check code is still found, and neither shows what was chosen."""
    place, poll = closed_poll(world, kept)
    voting.publish_result(SYSTEM, community_id=place.id, public_id=poll)
    leaf = db.session.scalars(select(Ballot.leaf)).first()
    voting.erase_openings(SYSTEM, community_id=place.id, public_id=poll)
    from app.core.canonical import check_code
    from app.exports.queries import entry_by_check_code

    browser = app.test_client()
    for address in (f"/c/HXL/votes/{poll}/result", f"/c/HXL/votes/{poll}"):
        assert browser.get(address).status_code == 200, address
    found = entry_by_check_code(place.id, check_code(bytes.fromhex(str(leaf))))
    assert found is not None
    assert found.choice is None


def test_a_period_below_the_legal_one_stops_the_start(tmp_path: Path) -> None:
    env = {"LINYI_DATA_DIR": str(tmp_path), "LINYI_KEEP_SECURITY_LOG_DAYS": "90"}
    settings = config.from_environment(env)
    with pytest.raises(config.UnsafeSettings, match="security_log 90 183"):
        create_app(settings)
    for changes in ({"backup_keep": "7"}, {"backup_at": "25:00"}):
        with pytest.raises(config.UnsafeSettings, match="bad_"):
            create_app(settings_for(f"sqlite:///{tmp_path}/x", tmp_path, **changes))
    env = {"LINYI_DATA_DIR": str(tmp_path), "LINYI_KEEP_CODES_DAYS": "40"}
    assert dict(config.from_environment(env).retention) == {"codes": "40"}


def test_the_worker_erases_by_itself_every_night(
    app: Flask,
    world: World,
    kept: Settings,
    fixed_clock: datetime,
    with_settings: Callable[..., Settings],
) -> None:
    with_settings(backup_dir=None)
    with transaction() as session:
        session.add(SecurityEvent(at=fixed_clock - timedelta(days=400), kind="old"))
    jobs.plan_recurring()
    assert jobs.run_due() == 0
    clock.advance(timedelta(days=1))
    assert jobs.run_due() == 1
    assert db.session.scalar(select(func.count()).where(SecurityEvent.kind == "old")) == 0
    jobs.plan_recurring()
    (waiting,) = db.session.scalars(select(Job).where(Job.done_at.is_(None)))
    assert (waiting.kind, waiting.due_at > clock.now()) == ("retention.nightly", True)
