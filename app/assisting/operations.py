"""A clerk acts for somebody present. Each act is the household's own, and a line of the clerk's.

The record is written as if the member had held the phone themselves (docs/adr/0031); who typed it
stands in the security log, and the household is told that it was done at the desk.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from app.assisting import rules, visits
from app.communities.queries import address_of
from app.consultations import proposing
from app.conventions import steps as conventions
from app.core import clock
from app.core.db import transaction
from app.core.errors import RuleBroken
from app.discussion import writing
from app.meetings import joining
from app.people.doubting import doubt
from app.people.member_queries import member
from app.people.models import HouseholdNoticeKind
from app.people.steps import tell_household
from app.voting import casting, handing, receiving
from app.voting.casting import OutcomeKind
from app.voting.queries import BallotView, ballot_view

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.assisting.rules import Checked
    from app.assisting.visits import HeldVisit
    from app.consultations.proposing import TopicText
    from app.core.actor import Actor
    from app.discussion.writing import Written
    from app.meetings.rules import SeatState
    from app.voting.casting import CastOutcome


@dataclass(frozen=True, slots=True)
class Helped:
    """What became of a ballot cast with help; `receipt` is there for a few minutes alone."""

    outcome: CastOutcome
    receipt: BallotView | None


def begin_visit(
    actor: Actor, *, community_id: int, household_id: int, checked: Checked, present: bool
) -> int:
    """State that somebody of the household is present; gives the visit to act in.

    Asking again while one goes on gives that one. Raises: NotFound; NotAllowed; RuleBroken
    assist.not_stated, assist.own_household.
    """
    visits.check_may_act(actor, community_id, household_id, present=present)
    address_of(community_id, household_id)
    with transaction() as session:
        visit_id = visits.begin(session, actor, community_id, household_id, checked)
        visit = visits.hold(session, actor, community_id, visit_id)
        visits.note_access(session, actor, visit, "assist.begun")
        return visit_id


def end_visit(actor: Actor, *, community_id: int, visit_id: int) -> None:
    """The person has gone: nothing more is done for the household without a new statement.

    Raises: NotFound; RuleBroken assist.over.
    """
    with transaction() as session:
        visit = visits.hold(session, actor, community_id, visit_id)
        visits.end(session, visit)
        visits.note_access(session, actor, visit, "assist.ended")


def cast_for_present(
    actor: Actor,
    *,
    community_id: int,
    visit_id: int,
    public_id: str,
    choice: Sequence[str],
    token: str,
) -> Helped:
    """Cast or change the household's ballot with whoever is present; the rules of the phone hold.

    The same form again leads to the same outcome. Raises: NotFound; NotAllowed; RuleBroken
    assist.*, ballot.* (nothing was saved).
    """
    visit = visits.look(actor, community_id, visit_id)
    attempt = visits.attempt(actor, visit, public_id, token)
    try:
        with transaction() as session:
            visit = visits.hold(session, actor, community_id, visit_id)
            outcome = receiving.receive(session, visit.present, attempt, choice, receiving.AT_DESK)
            kind = "assist.voted" if outcome.kind is OutcomeKind.COUNTED else "assist.late"
            visits.note_access(session, actor, visit, kind, poll=public_id)
    except RuleBroken:
        stored = casting.stored_outcome(attempt)
        if stored is None:
            raise
        outcome = stored
    return Helped(outcome, _receipt(visit, public_id, outcome))


def print_receipt(
    actor: Actor, *, community_id: int, visit_id: int, public_id: str, token: str
) -> BallotView:
    """Give the receipt to take along, by the form that was just sent.

    Raises: NotFound; NotAllowed; RuleBroken assist.*; assist.no_receipt once it is too late.
    """
    with transaction() as session:
        visit = visits.hold(session, actor, community_id, visit_id)
        outcome = casting.stored_outcome(visits.attempt(actor, visit, public_id, token))
        receipt = _receipt(visit, public_id, outcome) if outcome is not None else None
        if receipt is None:
            raise RuleBroken("assist.no_receipt")
        visits.note_access(session, actor, visit, "assist.receipt_printed", poll=public_id)
        return receipt


def hand_on(
    actor: Actor, *, community_id: int, visit_id: int, public_id: str, member_id: int
) -> None:
    """Let whoever is present change the household's ballot from now on; the household is told.

    `member_id` names the phone of theirs that is to do it; 0 is for somebody without one, at the
    desk. What was chosen is shown to nobody. Raises: NotFound; NotAllowed; RuleBroken assist.*,
    ballot.closed, ballot.not_in_electorate, ballot.nothing_to_hand_on.
    """
    with transaction() as session:
        visit = visits.hold(session, actor, community_id, visit_id)
        to = visit.present.require_person()
        if member_id:
            to = member(community_id, visit.household_id, member_id).person_id
        title = handing.hand_on(session, community_id, public_id, visit.household_id, to)
        if title:
            told = HouseholdNoticeKind.VOTE_HANDED_ON
            tell_household(session, community_id, visit.household_id, told, title)
            visits.note_access(session, actor, visit, "assist.handed_on", poll=public_id)


def doubt_for_present(
    actor: Actor, *, community_id: int, visit_id: int, member_id: int, unused: bool
) -> None:
    """Say for whoever is present that a phone is unknown, or used no more; the desk then ends it.

    A household whose places are all taken by old phones has nobody inside who could say so.
    Raises: NotFound; NotAllowed; RuleBroken assist.*, member.own.
    """
    with transaction() as session:
        visit = visits.hold(session, actor, community_id, visit_id)
        by = visit.present.require_person()
        home = visit.household_id
        if doubt(session, community_id, home, member_id, by, unused=unused):
            kind = "assist.unused" if unused else "assist.doubted"
            visits.note_access(session, actor, visit, kind, member=str(member_id))


def sign_for_present(
    actor: Actor, *, community_id: int, visit_id: int, number: int, text_sha256: str
) -> None:
    """Sign the convention with whoever is present; once for each household at the desk.

    Raises: NotFound; NotAllowed; RuleBroken assist.*, convention.*.
    """
    # At two desks at once the unique key lets one sign; the other finds it signed, as was asked.
    with suppress(IntegrityError), transaction() as session:
        visit = visits.hold(session, actor, community_id, visit_id)
        signed = conventions.sign(session, visit.present, community_id, number, text_sha256)
        if not signed.again:
            told = HouseholdNoticeKind.SIGNED_AT_DESK
            tell_household(session, community_id, visit.household_id, told)
            visits.note_access(session, actor, visit, "assist.signed")


def withdraw_for_present(actor: Actor, *, community_id: int, visit_id: int, number: int) -> None:
    """Take back what was signed at the desk, with whoever is present.

    Raises: NotFound, also when nothing was signed here; NotAllowed; RuleBroken assist.*.
    """
    with transaction() as session:
        visit = visits.hold(session, actor, community_id, visit_id)
        conventions.withdraw(session, visit.present, community_id, number)
        told = HouseholdNoticeKind.UNSIGNED_AT_DESK
        tell_household(session, community_id, visit.household_id, told)
        visits.note_access(session, actor, visit, "assist.unsigned")


def write_for_present(
    actor: Actor, *, community_id: int, visit_id: int, subject: str, written: Written
) -> None:
    """Send the opinion of whoever is present to moderation; the same form twice is one.

    Raises: NotFound; NotAllowed; RuleBroken assist.*, post.*.
    """
    with suppress(IntegrityError), transaction() as session:
        visit = visits.hold(session, actor, community_id, visit_id)
        writing.write(session, visit.present, community_id, subject, written)
        told = HouseholdNoticeKind.WROTE_AT_DESK
        tell_household(session, community_id, visit.household_id, told)
        visits.note_access(session, actor, visit, "assist.wrote", about=subject)


def propose_for_present(
    actor: Actor, *, community_id: int, visit_id: int, text: TopicText, sent: tuple[str, str]
) -> None:
    """Propose a topic for whoever is present; the same form twice is one.

    Raises: NotFound; NotAllowed; RuleBroken assist.*, topic.*.
    """
    with suppress(IntegrityError), transaction() as session:
        visit = visits.hold(session, actor, community_id, visit_id)
        proposing.propose(session, visit.present, community_id, text, sent)
        told = HouseholdNoticeKind.PROPOSED_AT_DESK
        tell_household(session, community_id, visit.household_id, told)
        visits.note_access(session, actor, visit, "assist.proposed")


def join_for_present(
    actor: Actor, *, community_id: int, visit_id: int, meeting_id: str
) -> SeatState:
    """Take a place in a meeting for whoever is present, or one in its waiting list.

    Asking again changes nothing. Raises: NotFound; NotAllowed; RuleBroken assist.*,
    meeting.wrong_state.
    """
    with transaction() as session:
        visit = visits.hold(session, actor, community_id, visit_id)
        joined = joining.join(session, visit.present, community_id, meeting_id)
        if not joined.again:
            told = HouseholdNoticeKind.JOINED_AT_DESK
            tell_household(session, community_id, visit.household_id, told)
            visits.note_access(session, actor, visit, "assist.joined", meeting=meeting_id)
        return joined.state


def _receipt(visit: HeldVisit, public_id: str, outcome: CastOutcome) -> BallotView | None:
    """The receipt of exactly this ballot, while it may be shown; nothing once it was changed."""
    if outcome.kind is not OutcomeKind.COUNTED:
        return None
    present = visit.present
    view = ballot_view(visit.community_id, public_id, present.homes[0], present.require_person())
    fresh = view.cast_at is not None and rules.shows_receipt(view.cast_at, clock.now())
    return view if fresh and view.check_code and view.version == outcome.version else None
