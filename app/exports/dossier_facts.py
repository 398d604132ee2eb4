"""What belongs to a topic's dossier, gathered once, and the same as structure for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from app.consultations import queries as topics
from app.consultations.rules import MOVES, UNSEEN, State
from app.core import clock
from app.discussion import queries as opinions
from app.exports import queries
from app.meetings import queries as meetings
from app.meetings.rules import NOT_AS_ANNOUNCED
from app.projects import queries as projects
from app.ratings import queries as ratings
from app.voting import queries as voting

if TYPE_CHECKING:
    from datetime import datetime

    from app.communities.queries import CommunityView
    from app.consultations.queries import TopicView
    from app.discussion.queries import PostView
    from app.exports.queries import EntryAbout
    from app.meetings.queries import MeetingView, PartyView
    from app.projects.queries import ProjectView
    from app.ratings.queries import Repair, Round
    from app.voting.queries import PollView, ResultView

FORMAT = "linyi-dossier/1"
# What shows that an opinion is carried out; a topic is archived without it too.
CARRIED_OUT = frozenset({State.IMPLEMENTING, State.REPORTED, State.RATED})


@dataclass(frozen=True, slots=True)
class Held:
    """A meeting with how many came, by age band; None before it has ended.

    It is over when it was ended, or when its time has passed and nobody ended it or put it off.
    """

    meeting: MeetingView
    by_age: dict[str, int | None] | None
    over: bool
    parties: tuple[PartyView, ...] = ()


@dataclass(frozen=True, slots=True)
class Vote:
    """A poll with its result; None while there is none."""

    poll: PollView
    result: ResultView | None


@dataclass(frozen=True, slots=True)
class Led:
    """A project that a topic led to, with the ratings of what was built and their repairs."""

    project: ProjectView
    rounds: tuple[Round, ...]
    repairs: tuple[Repair, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that belongs to a topic, before it takes a form.

    `withheld` counts the opinions that are not read any more, because the topic is not.
    """

    place: CommunityView
    made_at: datetime
    topic: TopicView
    held: tuple[Held, ...]
    opinions: tuple[PostView, ...]
    withheld: int
    votes: tuple[Vote, ...]
    led: tuple[Led, ...]
    entries: tuple[EntryAbout, ...]


def gather(place: CommunityView, topic_id: str) -> Facts:
    """Read a topic with all that belongs to it. Raises: NotFound."""
    topic = topics.topic(place.id, topic_id)
    held = tuple(_held(place.id, one) for one in meetings.meetings_about(place.id, topic.subject))
    codes = topics.linked_projects(place.id, topic.subject)
    led = tuple(_led(place.id, code) for code in codes)
    votes = tuple(_vote(place.id, poll_id) for poll_id in _polls(place.id, led))
    subjects = [
        topic.subject,
        *(f"meeting:{one.meeting.public_id}" for one in held),
        *(f"post:{post_id}" for post_id in queries.posts_about(place.id, topic.subject)),
        *(f"poll:{vote.poll.public_id}" for vote in votes),
        *(f"poll:{one.poll}" for project in led for one in project.rounds),
        *(f"repair:{one.public_id}" for project in led for one in project.repairs),
    ]
    said = tuple(opinions.opinions(place.id, topic.subject))
    return Facts(
        place=place,
        made_at=clock.now(),
        topic=topic,
        held=held,
        opinions=said if is_known(topic) else (),
        withheld=0 if is_known(topic) else len(said),
        votes=votes,
        led=led,
        entries=tuple(queries.entries_about(place.id, subjects)),
    )


def _held(community_id: int, meeting: MeetingView) -> Held:
    parties = tuple(meetings.parties(community_id, meeting.public_id))
    if meeting.closed_at is not None:
        by_age = meetings.attendance(community_id, meeting.public_id)
        return Held(meeting, by_age, over=True, parties=parties)
    ends_at = meeting.starts_at + timedelta(minutes=meeting.minutes)
    passed = ends_at <= clock.now() and meeting.state not in NOT_AS_ANNOUNCED
    return Held(meeting, None, over=passed, parties=parties)


def _led(community_id: int, code: str) -> Led:
    return Led(
        projects.project(community_id, code),
        tuple(ratings.rounds(community_id, code)),
        tuple(ratings.repairs(community_id, code)),
    )


def _polls(community_id: int, led: tuple[Led, ...]) -> list[str]:
    """Each poll once, also one that asked about several of these projects."""
    found = [
        about.public_id
        for one in led
        for about in projects.polls_about(community_id, one.project.code)
    ]
    return list(dict.fromkeys(found))


def _vote(community_id: int, poll_id: str) -> Vote:
    poll = voting.poll_view(community_id, poll_id)
    return Vote(poll, voting.result_view(community_id, poll_id) if poll.decided else None)


def answers_to(post: PostView) -> list[tuple[str, str]]:
    """What was answered to an opinion, each answer with the role it was given in."""
    return [(one["role"], one["text"]) for one in post.answers]


@dataclass(frozen=True, slots=True)
class Earlier:
    """A disposition that was changed later."""

    disposition: str
    why: str
    at: datetime


def changed(post: PostView) -> list[Earlier]:
    """What was said of an opinion before what holds now, the first first, as its page shows it."""
    return [
        Earlier(one["disposition"], one["text"], clock.from_record(one["at"]))
        for one in post.earlier
        if one["kind"] == "disposition"
    ]


def is_known(topic: TopicView) -> bool:
    """Whether everybody may read that there is such a topic: its title, and what was said of it."""
    return topic.line.state not in UNSEEN


def is_told(topic: TopicView) -> bool:
    """Whether its text is public: of what was turned away only the title and the reason are."""
    return is_known(topic) and topic.line.state is not State.REJECTED


def is_over(topic: TopicView) -> bool:
    """Whether nothing leads out of its state, so that nothing is still to come."""
    return not MOVES[topic.line.state]


def was_published(topic: TopicView) -> bool:
    """Whether the opinion as it now reads was published, even if it no longer counts."""
    published = False
    for move in topic.moves:
        if move.to in {State.DRAFTED, State.PUBLISHED}:
            published = move.to is State.PUBLISHED
    return published


def superseded_at(topic: TopicView) -> datetime | None:
    """When an opinion was taken back to the table; None while it stands, or there is none.

    It stands as long as no session has begun since it was drafted, published or not.
    """
    began = None
    for move in topic.moves:
        if move.to is State.DRAFTED:
            began = None
        elif move.to is State.IN_SESSION and began is None:
            began = move.at
    return began if topic.opinion else None


def followed_up(topic: TopicView) -> bool:
    """Whether somebody was named to carry an opinion out, or it was carried out."""
    return bool(topic.task_owner) or any(move.to in CARRIED_OUT for move in topic.moves)


def not_adopted(topic: TopicView) -> bool:
    """Whether a vote turned it down, so that there is nothing to carry out."""
    return any(move.to is State.NOT_ADOPTED for move in topic.moves)


# --- as structure --------------------------------------------------------------------------------


def as_data(facts: Facts, missing: list[str]) -> dict[str, Any]:
    """The dossier for programs: times in UTC, numbers as numbers, null for what is not there."""
    topic, taken_back = facts.topic, superseded_at(facts.topic)
    concluded = _conclusion(topic) if was_published(topic) else None
    corrections = topic.corrections if is_known(topic) else ()
    return {
        "format": FORMAT,
        "community": {"code": facts.place.code, "name": facts.place.name, "demo": facts.place.demo},
        "made_at": clock.to_record(facts.made_at),
        "missing": missing,
        "topic": _topic(topic),
        "meetings": [_meeting(one) for one in facts.held],
        "opinions": [_opinion(post) for post in facts.opinions],
        "outcome": _outcome(topic),
        "votes": [_counted(vote) for vote in facts.votes],
        "conclusion": concluded if not taken_back else None,
        "superseded": concluded | {"at": _at(taken_back)} if concluded and taken_back else None,
        "publication": {
            "from": _at(topic.published_at),
            "until": _at(topic.line.publication_until),
        }
        if topic.published_at
        else None,
        "corrections": [{"at": _at(it.at), "text": it.text} for it in corrections],
        "follow_up": {
            "owner": topic.task_owner or None,
            "due": _at(topic.line.task_due),
            "projects": [_project(one) for one in facts.led],
        },
        "entries": [_entry(one) for one in facts.entries],
    }


def _conclusion(topic: TopicView) -> dict[str, Any]:
    return {"opinion": topic.opinion, "dissent": topic.dissent}


def _at(moment: datetime | None) -> str | None:
    return clock.to_record(moment) if moment is not None else None


def _outcome(topic: TopicView) -> dict[str, Any] | None:
    """What the vote on the topic itself came to; areas in 0.01 m²."""
    if topic.outcome is None:
        return None
    return asdict(topic.outcome) | {"held_on": _at(topic.outcome.held_on)}


def _topic(topic: TopicView) -> dict[str, Any]:
    line, known, tells = topic.line, is_known(topic), is_told(topic)
    return {
        "id": line.public_id,
        "title": line.title if known else "",
        "state": line.state.value,
        "form": topic.form or None,
        "proposed_as": line.proposed_as,
        "proposed_at": _at(line.created_at),
        "background": topic.background if tells else "",
        "question": topic.question if tells else "",
        "parties": [each.strip() for each in topic.parties.splitlines() if tells and each.strip()],
        "legal_note": topic.legal_note if tells else "",
        "merged_into": topic.merged_into or None,
        "photos": [photo.sha256 for photo in topic.photos if tells],
        "moves": [
            {"at": _at(move.at), "to": move.to.value, "note": move.note if known else ""}
            for move in topic.moves
        ],
    }


def _meeting(held: Held) -> dict[str, Any]:
    meeting = held.meeting
    return {
        "id": meeting.public_id,
        "title": meeting.title,
        "form": meeting.form,
        "state": meeting.state.value,
        "reason": meeting.reason or None,
        "place": meeting.place,
        "announced_at": _at(meeting.announced_at),
        "starts_at": _at(meeting.starts_at),
        "chair": meeting.chair,
        "recorder": meeting.recorder,
        "quorum": meeting.quorum,
        "agenda": [
            {
                "number": number,
                "title": item.title,
                "speaker": item.speaker,
                "minutes": item.minutes,
            }
            for number, item in enumerate(meeting.items, start=1)
        ],
        "materials": list(meeting.materials),
        "parties": [
            {
                "name": one.name,
                "kind": one.kind or None,
                "presence": one.presence.value,
                "reason": one.reason or None,
            }
            for one in held.parties
        ],
        "attendance": None
        if held.by_age is None
        else {"present": meeting.present, "by_age": held.by_age},
        "minutes": {"confirmed_at": _at(meeting.confirmed_at), "text": meeting.minutes_text}
        if meeting.confirmed_at
        else None,
    }


def _opinion(post: PostView) -> dict[str, Any]:
    return {
        "id": post.public_id,
        "at": _at(post.submitted_at),
        "role": post.role,
        "body": post.body or None,
        "text": post.text,
        "disposition": {"is": post.disposition, "why": post.disposition_why}
        if post.disposition
        else None,
        "earlier": [
            {"at": _at(one.at), "is": one.disposition, "why": one.why} for one in changed(post)
        ],
        "replies": [{"role": role, "text": text} for role, text in answers_to(post)],
    }


def _counted(vote: Vote) -> dict[str, Any]:
    poll, result = vote.poll, vote.result
    return {
        "id": poll.public_id,
        "title": poll.title,
        "kind": poll.kind,
        "method": poll.method.value,
        "opens_at": _at(poll.opens_at),
        "closes_at": _at(poll.closes_at),
        "published_at": _at(poll.published_at),
        "publication_until": _at(poll.publication_until),
        "households": poll.heads,
        "result": None
        if result is None
        else {
            "outcome": result.outcome,
            "sentence": result.sentence,
            "turnout": result.turnout,
            "none_of_them": result.blank,
            "options": [
                {"id": row.option, "title": row.title, "votes": row.votes, "won": row.won}
                for row in result.rows
            ],
        },
    }


def _project(led: Led) -> dict[str, Any]:
    return {
        "code": led.project.code,
        "title": led.project.title,
        "stage": led.project.stage.value,
        "budget_fen": led.project.budget_fen,
        "ratings": [
            {
                "round": one.number,
                "poll": one.poll,
                "households": one.invited,
                "raters": one.raters,
                "overall": one.overall_points,
            }
            for one in led.rounds
            if one.questions
        ],
        "repairs": [_repair(one) for one in led.repairs],
    }


def _repair(repair: Repair) -> dict[str, Any]:
    return {
        "id": repair.public_id,
        "question": repair.question,
        "what": repair.what,
        "owner": repair.owner,
        "due": _at(repair.due),
        "done_at": _at(repair.done_at),
        "note": repair.done_note or None,
    }


def _entry(entry: EntryAbout) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "at": _at(entry.at),
        "kind": entry.kind,
        "subject": entry.subject,
        "leaf": entry.leaf,
    }
