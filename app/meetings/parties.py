"""Who is due at a meeting, who came, and who did not and why: bodies, and persons by what they are.

A body's own answer and what is seen at the door are public acts; so is a party called later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.bodies import steps as bodies
from app.core import clock
from app.core import record as records
from app.core.actor import Role
from app.core.db import transaction
from app.core.errors import NotFound, RuleBroken
from app.core.record import Act, record
from app.meetings import rules, steps
from app.meetings.models import Meeting, MeetingParty
from app.meetings.rules import MeetingState, Presence
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

CALLED = records.register(
    "party.called",
    {"meeting", "about", "body"},
    meaning="a body is due at a meeting besides those that its notice named",
)
ANSWERED = records.register(
    "party.answered",
    {"meeting", "about", "body", "answer"},
    {"reason"},
    "a body says whether it comes: coming, declined",
)
SEEN = records.register(
    "party.seen",
    {"meeting", "about", "party", "body", "seen"},
    {"reason"},
    "whether a party that was due came: present, absent; `body` is null for persons",
)


def call_body(actor: Actor, *, community_id: int, meeting_id: str, body_id: str) -> None:
    """Let a body be due at a meeting. Raises: NotFound; RuleBroken meeting.*, body.closed."""
    try:
        with transaction() as session:
            require(actor, Permission.MEETING_RUN, Place(community_id))
            meeting = steps.hold(session, community_id, meeting_id)
            if meeting.state not in rules.OPEN_STATES:
                raise RuleBroken("meeting.wrong_state", state=meeting.state)
            body = bodies.hold(session, community_id, body_id)
            if body.closed_at is not None:
                raise RuleBroken("body.closed")
            session.add(
                MeetingParty(
                    community_id=community_id,
                    meeting_id=meeting.id,
                    body_id=body.id,
                    label=None,
                    presence=Presence.DUE.value,
                )
            )
            session.flush()
            _record(session, actor, meeting, Act(CALLED, "", {"body": body_id}))
    except IntegrityError as error:
        raise RuleBroken("meeting.party_twice") from error


def answer_for_body(
    actor: Actor, *, community_id: int, meeting_id: str, body_id: str, answer: str, reason: str = ""
) -> None:
    """Say for a body that is due whether it comes, as somebody who acts for it in this.

    An attempt in vain is noted in the security log. Raises: NotFound; RuleBroken body.*,
    meeting.too_late, meeting.answer, meeting.no_excuse.
    """
    with transaction() as session:
        require(actor, Permission.BODY_ACT, Place(community_id))
        meeting = steps.hold(session, community_id, meeting_id)
        things = f"meeting:{meeting_id}", meeting.subject
        named = bodies.acts_for(session, actor, community_id, body_id, things)
        if not named.problem:
            party = _party(session, meeting, MeetingParty.body_id == named.id)
            said = _presence(answer)
            problem = rules.answer_problem(
                MeetingState(meeting.state), Presence(party.presence), said, reason
            )
            if problem:
                raise RuleBroken(f"meeting.{problem}")
            _say(party, said, reason if said is Presence.DECLINED else "")
            data = {"body": body_id, "answer": said.value}
            act = Act(ANSWERED, "", data, _private(party), acted_as=Role.BODY.value)
            _record(session, actor, meeting, act)
            return
    raise RuleBroken(f"body.{named.problem}")


def note_presence(
    actor: Actor, *, community_id: int, meeting_id: str, party_id: int, seen: str, reason: str = ""
) -> None:
    """Note whether a party came, and why not. Raises: NotFound; RuleBroken meeting.*."""
    with transaction() as session:
        require(actor, Permission.MEETING_HOLD, Place(community_id, meeting=meeting_id))
        meeting = steps.hold(session, community_id, meeting_id)
        party, said = _party(session, meeting, MeetingParty.id == party_id), _presence(seen)
        state = MeetingState(meeting.state)
        problem = rules.seen_problem(
            state,
            said,
            reason,
            doors=rules.doors_are_open(state, meeting.starts_at, clock.now()),
            confirmed=meeting.confirmed_at is not None,
        )
        if problem:
            raise RuleBroken(f"meeting.{problem}", starts_at=meeting.starts_at)
        _say(party, said, reason if said is Presence.ABSENT else "")
        body = party.body_id
        data = {
            "party": party.id,
            "body": bodies.public_id_of(session, community_id, body) if body else None,
            "seen": said.value,
        }
        role = actor.role_in(community_id, f"meeting:{meeting_id}").value
        _record(session, actor, meeting, Act(SEEN, "", data, _private(party), acted_as=role))


def _presence(text: str) -> Presence:
    """What was chosen; nothing known is nothing said."""
    return Presence(text) if text in set(Presence) else Presence.DUE


def _party(session: Session, meeting: Meeting, which: object) -> MeetingParty:
    party = session.scalar(
        select(MeetingParty).where(
            MeetingParty.community_id == meeting.community_id,
            MeetingParty.meeting_id == meeting.id,
            which,  # type: ignore[arg-type]
        )
    )
    if party is None:
        raise NotFound("party")
    return party


def _say(party: MeetingParty, presence: Presence, reason: str) -> None:
    party.presence, party.said_at = presence.value, clock.now()
    party.reason = reason.strip()[: rules.LONGEST_EXCUSE]


def _private(party: MeetingParty) -> dict[str, object]:
    return {"reason": party.reason} if party.reason else {}


def _record(session: Session, actor: Actor, meeting: Meeting, act: Act) -> None:
    """Write an act of a meeting's parties, with the meeting and what it is about."""
    data = {"meeting": meeting.public_id, "about": meeting.subject} | dict(act.data)
    subject = f"meeting:{meeting.public_id}"
    whole = Act(act.kind, subject, data, act.private, acted_as=act.acted_as)
    record(session, actor, whole, meeting.community_id)
