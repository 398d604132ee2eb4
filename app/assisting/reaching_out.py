"""Paper and visits at home for those who ask, and the list of households that have not voted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.assisting import rules
from app.assisting.models import HomeVisit, PaperHanded, PaperRequest, TurnoutLook
from app.assisting.outreach import has_not_voted, staff_who_go
from app.assisting.rules import Asked, Outcome
from app.communities import walks
from app.communities.models import Household
from app.communities.queries import address_of
from app.core import clock
from app.core import record as records
from app.core.db import db, transaction
from app.core.errors import NotFound, RuleBroken
from app.core.record import Act, record
from app.core.times import in_record_language, time_text
from app.people.models import HouseholdNoticeKind
from app.people.steps import security, tell_household
from app.policy.table import Permission, Place, require
from app.voting import casting, launching
from app.voting.models import Poll
from app.voting.rules import PollState, is_late

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.assisting.rules import LookFor, PartOfDay, VisitPurpose
    from app.communities.walks import Home
    from app.core.actor import Actor

LOOKED = records.register(
    "turnout.looked",
    {"poll", "purpose"},
    {"part"},
    "a list of households that have not voted was looked at, to follow deliveries up",
)


def ask_paper(
    actor: Actor, *, community_id: int, household_id: int, public_id: str, asked: Asked
) -> None:
    """A household wants paper: in one poll, or from now on when `public_id` is empty.

    Asked again it is asked once. Raises: NotFound; NotAllowed.
    """
    _require(actor, community_id, household_id, asked)
    with transaction() as session:
        poll_id = _open_poll(session, community_id, public_id) if public_id else None
        _end_stale(session, PaperRequest, community_id, household_id, {"ended_at": clock.now()})
        new = {
            "community_id": community_id,
            "household_id": household_id,
            "poll_id": poll_id,
            "asked": asked,
            "asked_by": actor.person_id,
            "asked_at": clock.now(),
        }
        if _insert_once(session, PaperRequest, new):
            told = HouseholdNoticeKind.PAPER_ASKED
            tell_household(session, community_id, household_id, told)
            _note(session, actor, community_id, household_id, "paper.asked", asked=str(asked))


def end_paper(actor: Actor, *, community_id: int, request_id: int) -> None:
    """A household wants no paper any more: by its own word, or by one that the desk notes.

    Raises: NotFound, also for another household's; NotAllowed.
    """
    with transaction() as session:
        household_id = _household_of(session, PaperRequest, community_id, request_id)
        _require_either(actor, community_id, household_id)
        mine = PaperRequest.community_id == community_id, PaperRequest.id == request_id
        changed = {"ended_at": clock.now()}
        if _change(session, PaperRequest, changed, *mine, PaperRequest.ended_at.is_(None)):
            told = HouseholdNoticeKind.PAPER_ENDED
            tell_household(session, community_id, household_id, told)
            _note(session, actor, community_id, household_id, "paper.ended")


def hand_paper(actor: Actor, *, community_id: int, household_id: int, public_id: str) -> None:
    """Note that the paper of a poll has reached a household. Raises: NotFound; NotAllowed."""
    require(actor, Permission.OUTREACH, Place(community_id))
    address_of(community_id, household_id)
    with transaction() as session:
        new = {
            "community_id": community_id,
            "household_id": household_id,
            "poll_id": _open_poll(session, community_id, public_id),
            "noted_by": actor.person_id,
            "handed_at": clock.now(),
        }
        if _insert_once(session, PaperHanded, new):
            told = HouseholdNoticeKind.PAPER_HANDED
            tell_household(session, community_id, household_id, told)
            _note(session, actor, community_id, household_id, "paper.handed", poll=public_id)


@dataclass(frozen=True, slots=True)
class Wished:
    """What somebody wants to be visited for, and when it suits them."""

    purpose: VisitPurpose
    part: PartOfDay


def ask_visit(
    actor: Actor, *, community_id: int, household_id: int, wished: Wished, asked: Asked
) -> None:
    """A household wants to be visited; one visit at a time. Raises: NotFound; NotAllowed."""
    _require(actor, community_id, household_id, asked)
    with transaction() as session:
        now = clock.now()
        over = {"done_at": now, "outcome": Outcome.UNWANTED}
        _end_stale(session, HomeVisit, community_id, household_id, over)
        new = {
            "community_id": community_id,
            "household_id": household_id,
            "purpose": wished.purpose,
            "wished": wished.part,
            "asked": asked,
            "asked_by": actor.person_id,
            "asked_at": now,
            "outcome": "",
        }
        if _insert_once(session, HomeVisit, new):
            told = HouseholdNoticeKind.VISIT_ASKED
            tell_household(session, community_id, household_id, told)
            _note(session, actor, community_id, household_id, "visit.asked", asked=str(asked))


def plan_visit(
    actor: Actor, *, community_id: int, visit_id: int, at: datetime, two: tuple[int, int]
) -> None:
    """Say when two people go; planned anew, it is told anew.

    Raises: NotFound; NotAllowed; RuleBroken visit.one_alone, visit.in_the_past, visit.too_far,
    visit.over, visit.not_of_ours.
    """
    with transaction() as session:
        require(actor, Permission.OUTREACH, Place(community_id))
        household_id = _household_of(session, HomeVisit, community_id, visit_id)
        rules.check_visit_plan(at, *two, clock.now())
        if not set(two) <= {one.person_id for one in staff_who_go(community_id)}:
            raise RuleBroken("visit.not_of_ours")
        changed = {"planned_at": at, "first_id": two[0], "second_id": two[1]}
        _change_visit(session, community_id, visit_id, changed)
        with in_record_language():
            when = time_text(at)
        told = HouseholdNoticeKind.VISIT_PLANNED
        tell_household(session, community_id, household_id, told, when)
        _note(session, actor, community_id, household_id, "visit.planned")


TOLD_OF = {
    Outcome.NOBODY: HouseholdNoticeKind.VISIT_NOBODY,
    Outcome.UNWANTED: HouseholdNoticeKind.VISIT_UNWANTED,
}


def finish_visit(actor: Actor, *, community_id: int, visit_id: int, outcome: Outcome) -> None:
    """Note what came of a visit; only one that nobody wants any more needs no plan.

    Raises: NotFound; NotAllowed; RuleBroken visit.over, visit.not_planned.
    """
    with transaction() as session:
        household_id = _household_of(session, HomeVisit, community_id, visit_id)
        if outcome is Outcome.UNWANTED:
            _require_either(actor, community_id, household_id)
        else:
            require(actor, Permission.OUTREACH, Place(community_id))
            planned = select(HomeVisit.planned_at).where(HomeVisit.id == visit_id)
            if session.scalar(planned) is None:
                raise RuleBroken("visit.not_planned")
        changed = {"done_at": clock.now(), "outcome": outcome}
        _change_visit(session, community_id, visit_id, changed)
        told = TOLD_OF.get(outcome, HouseholdNoticeKind.VISIT_DONE)
        tell_household(session, community_id, household_id, told)
        _note(session, actor, community_id, household_id, "visit.done", outcome=str(outcome))


def look_at_turnout(
    actor: Actor, *, community_id: int, public_id: str, part: str, purpose: LookFor
) -> list[Home]:
    """The households of a part that have not voted, to follow deliveries up while a poll is open.

    Each look is an entry of the record: which poll and what for, never who is on the list.
    Raises: NotFound; NotAllowed; RuleBroken turnout.not_open.
    """
    with transaction() as session:
        require(actor, Permission.TURNOUT_LIST, Place(community_id))
        poll, log = casting.hold(session, community_id, public_id)
        now = clock.now()
        if poll.state != PollState.OPEN or is_late(now, poll.closes_at):
            raise RuleBroken("turnout.not_open")
        inside = walks.chosen(walks.homes(community_id), part)
        silent = has_not_voted(session, community_id, poll.id)
        facts = {"poll": public_id, "purpose": str(purpose)}
        act = Act(LOOKED, launching.subject_of(public_id), facts, {"part": part})
        record(session, actor, act, community_id, log, now)
        session.add(
            TurnoutLook(
                community_id=community_id,
                poll_id=poll.id,
                purpose=purpose,
                part=part,
                looked_by=actor.person_id,
                looked_at=now,
            )
        )
        return [home for home in inside if home.household_id in silent]


# --- what they have in common --------------------------------------------------------------------


def _require(actor: Actor, community_id: int, household_id: int, asked: Asked) -> None:
    """Whoever asks for themself is of that household; else the desk notes it."""
    if asked is Asked.OWN:
        require(actor, Permission.HOUSEHOLD_VIEW, Place(community_id))
        home = actor.home_in(community_id)
        if home is None or home.household_id != household_id:
            raise NotFound("household")
        return
    require(actor, Permission.OUTREACH, Place(community_id))
    address_of(community_id, household_id)


def _require_either(actor: Actor, community_id: int, household_id: int) -> None:
    home = actor.home_in(community_id)
    if home is None:
        require(actor, Permission.OUTREACH, Place(community_id))
        return
    if home.household_id != household_id and not actor.is_staff:
        raise NotFound("household")
    own = home.household_id == household_id
    require(actor, Permission.HOUSEHOLD_VIEW if own else Permission.OUTREACH, Place(community_id))


def _open_poll(session: Session, community_id: int, public_id: str) -> int:
    poll_id = session.scalar(
        select(Poll.id).where(
            Poll.community_id == community_id,
            Poll.public_id == public_id,
            Poll.state.in_([PollState.OPEN.value, PollState.SCHEDULED.value]),
        )
    )
    if poll_id is None:
        raise NotFound("poll")
    return poll_id


def _insert_once(session: Session, model: Any, values: dict[str, Any]) -> bool:
    """Whether the row is new; the unique keys decide."""
    engine = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    row = engine.insert(model).values(values).on_conflict_do_nothing().returning(model.id)
    return session.scalar(row) is not None


def _end_stale(
    session: Session, model: Any, community_id: int, household_id: int, over: dict[str, Any]
) -> None:
    """What the family asked that has moved out since is no longer this household's."""
    (mark,) = [name for name in ("ended_at", "done_at") if name in over]
    moved_out_since = exists().where(
        Household.community_id == community_id,
        Household.id == household_id,
        Household.moved_out_at >= model.asked_at,
    )
    mine = model.community_id == community_id, model.household_id == household_id
    _change(session, model, over, *mine, getattr(model, mark).is_(None), moved_out_since)


def _change(session: Session, model: Any, values: dict[str, Any], *which: Any) -> bool:
    changed = session.scalars(
        update(model)
        .where(*which)
        .values(**values)
        .returning(model.id)
        .execution_options(synchronize_session=False)
    ).all()
    return bool(changed)


def _change_visit(
    session: Session, community_id: int, visit_id: int, values: dict[str, Any]
) -> None:
    mine = HomeVisit.community_id == community_id, HomeVisit.id == visit_id
    if not _change(session, HomeVisit, values, *mine, HomeVisit.done_at.is_(None)):
        raise RuleBroken("visit.over")


def _household_of(session: Session, model: Any, community_id: int, row_id: int) -> int:
    mine = model.community_id == community_id, model.id == row_id
    household_id: int | None = session.scalar(select(model.household_id).where(*mine))
    if household_id is None:
        raise NotFound("request")
    return household_id


def _note(
    session: Session,
    actor: Actor,
    community_id: int,
    household_id: int,
    kind: str,
    **more: str,
) -> None:
    security(
        session,
        kind,
        community_id=community_id,
        person_id=actor.person_id,
        household=household_id,
        **more,
    )
