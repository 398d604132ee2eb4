"""What is due of topics, meetings, buildings and repairs: a line each, with where it is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.assisting import outreach
from app.consultations.rules import OBJECTION_WITHIN, State
from app.core import clock, guard
from app.core.times import date_text, end_text, time_text
from app.correcting import queries as corrections
from app.correcting.rules import ANSWERED_WITHIN
from app.correcting.words import what_text
from app.meetings.rules import OVER, MeetingState
from app.people import member_queries
from app.people.role_words import role_name
from app.people.rules import CONTEST_ANSWERED_WITHIN
from app.policy.roles import PROPOSAL_LASTS
from app.projects import queries as projects
from app.ratings import queries as ratings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flask_babel.speaklater import LazyString

    from app.consultations.queries import TopicLine
    from app.meetings.queries import MeetingView
    from app.roles import queries as roles

# What falls due within so many days is said beforehand.
SOON = timedelta(days=7)


class Kind(StrEnum):
    """What lines are about, in the order in which a list names them."""

    SITTING = "sitting"
    APPEALS = "appeals"
    RESULTS = "results"
    SCREENING = "screening"
    OPINIONS = "opinions"
    OBJECTIONS = "objections"
    TOPICS = "topics"
    WORK = "work"
    MEETINGS = "meetings"
    MINUTES = "minutes"
    REPAIRS = "repairs"
    RATINGS = "ratings"
    MILESTONES = "milestones"
    DESIGNS = "designs"
    DRAFTS = "drafts"
    MEMBERS = "members"
    ROLES = "roles"
    CORRECTIONS = "corrections"
    CODES = "codes"
    PAPER = "paper"
    VISITS = "visits"


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do: its heading, a line about it, and the door that leads to it.

    `first` marks what comes before everything else; `soon` what is not due yet. `since` orders
    lines of one kind, the oldest first.
    """

    kind: Kind
    title: str
    text: str
    label: str
    url: str
    late: bool = False
    first: bool = False
    soon: bool = False
    since: datetime | None = None


class Step(NamedTuple):
    """What a state of a topic asks of the committee: what, since when, and on which page."""

    kind: Kind
    what: LazyString
    text: LazyString
    label: LazyString
    page: str = "consultations.desk_topic"


STEPS = {
    State.ACCEPTED: Step(
        Kind.TOPICS,
        _l("发协商公告"),
        _l("%(at)s立项，还没有公告开会。"),
        _l("写公告"),
        "consultations.agenda",
    ),
    State.DRAFTED: Step(
        Kind.TOPICS,
        _l("公示协商意见"),
        _l("协商意见%(at)s写好，还没有公示。"),
        _l("去公示"),
    ),
    State.OBJECTION_REVIEW: Step(
        Kind.OBJECTIONS,
        _l("答复异议"),
        _l("异议%(at)s登记，%(until)s以前答复。"),
        _l("去答复"),
    ),
    State.TO_VOTE: Step(
        Kind.TOPICS,
        _l("记入表决结果"),
        _l("%(at)s提交表决，结果还没有记入。"),
        _l("去记入"),
    ),
    State.DECIDED: Step(
        Kind.TOPICS,
        _l("交给谁去办"),
        _l("%(at)s确定，还没有写谁办、哪天办好。"),
        _l("去安排"),
    ),
    State.POSTPONED: Step(
        Kind.TOPICS,
        _l("重新公告开会"),
        _l("%(at)s延期，新的时间还没有公告。"),
        _l("写公告"),
        "consultations.agenda",
    ),
    State.ADJOURNED: Step(
        Kind.TOPICS,
        _l("重新公告开会"),
        _l("%(at)s休会，新的时间还没有公告。"),
        _l("写公告"),
        "consultations.agenda",
    ),
}


def of_topics(
    lines: Sequence[TopicLine], held: Sequence[MeetingView], code: str, now: datetime
) -> Iterator[Task]:
    """What topics ask of the committee, for whoever may move them."""
    if not guard.may_open("consultations.move"):
        return
    newest = {one.subject: one for one in sorted(held, key=lambda one: one.announced_at)}
    for line in lines:
        yield from _of_topic(line, newest.get(f"topic:{line.public_id}"), code, now)


def _of_topic(
    line: TopicLine, meeting: MeetingView | None, code: str, now: datetime
) -> Iterator[Task]:
    if line.state in STEPS:
        yield _next_step(line, STEPS[line.state], code, now)
    elif line.state is State.PUBLISHED:
        yield from _published(line, code, now)
    elif line.state is State.IMPLEMENTING:
        yield from _work(line, code, now)
    elif line.state is State.IN_SESSION:
        yield from _after_meeting(line, meeting, code)


def _next_step(line: TopicLine, step: Step, code: str, now: datetime) -> Task:
    until = line.moved_at + OBJECTION_WITHIN
    facts = {"at": date_text(line.moved_at), "until": time_text(until)}
    return Task(
        step.kind,
        _titled(str(step.what), line.title),
        str(step.text) % facts,
        str(step.label),
        url_for(step.page, code=code, topic_id=line.public_id),
        late=line.state is State.OBJECTION_REVIEW and until < now,
        since=line.moved_at,
    )


def _titled(what: str, title: str) -> str:
    return _("%(what)s：%(title)s", what=what, title=title)


def _topic_url(line: TopicLine, code: str) -> str:
    return url_for("consultations.desk_topic", code=code, topic_id=line.public_id)


def _published(line: TopicLine, code: str, now: datetime) -> Iterator[Task]:
    until = line.publication_until
    if until is not None and until <= now:
        title = _("公示期满：%(title)s", title=line.title)
        text = _("公示到 %(until)s，可以往下走了。", until=end_text(until))
        yield Task(Kind.TOPICS, title, text, _("去办"), _topic_url(line, code), since=until)


def _work(line: TopicLine, code: str, now: datetime) -> Iterator[Task]:
    due = line.task_due
    if due is None or due > now + SOON:
        return
    late = due < now
    title = _("落实到期了：%(title)s") if late else _("落实快到期：%(title)s")
    text = _(
        "%(owner)s办，应在 %(at)s 以前办完。",
        owner=line.task_owner,
        at=time_text(due),
    )
    url = _topic_url(line, code)
    words = title % {"title": line.title}
    yield Task(Kind.WORK, words, text, _("公开落实情况"), url, late=late, soon=not late, since=due)


def _after_meeting(line: TopicLine, meeting: MeetingView | None, code: str) -> Iterator[Task]:
    """What follows when a topic's newest meeting is over: its opinion, or an adjournment."""
    if meeting is None or meeting.state is not MeetingState.CLOSED:
        return
    url, since = _topic_url(line, code), meeting.confirmed_at
    if meeting.quorum_met is False:
        title = _titled(_("宣布休会"), line.title)
        text = _("%(at)s的会到场人数不够，不能形成协商意见。", at=date_text(meeting.starts_at))
        yield Task(Kind.TOPICS, title, text, _("去办"), url, since=meeting.starts_at)
    elif since is not None:
        title = _titled(_("写协商意见"), line.title)
        text = _("纪要%(at)s由第二人确认，协商意见还没有写。", at=date_text(since))
        yield Task(Kind.TOPICS, title, text, _("去写"), url, since=since)


def of_meetings(
    held: Sequence[MeetingView], code: str, now: datetime, reader: int | None
) -> Iterator[Task]:
    """Meetings of today, those that nobody opened or closed, and minutes."""
    runs, confirms = guard.may_open("meetings.walk_in"), guard.may_open("meetings.confirm")
    for meeting in held:
        if runs and meeting.state in {MeetingState.ANNOUNCED, MeetingState.OPEN}:
            yield from _to_hold(meeting, code, now)
        if meeting.state in OVER and meeting.confirmed_at is None:
            # Whoever wrote the minutes is not the second person.
            if meeting.minutes_text and meeting.minutes_by != reader and confirms:
                yield _to_confirm(meeting, code)
            if not meeting.minutes_text and meeting.state is MeetingState.CLOSED and runs:
                yield _to_write(meeting, code)


def _desk_meeting(meeting: MeetingView, code: str) -> str:
    return url_for("meetings.desk_meeting", code=code, meeting_id=meeting.public_id)


def _to_hold(meeting: MeetingView, code: str, now: datetime) -> Iterator[Task]:
    at, url = time_text(meeting.starts_at), _desk_meeting(meeting, code)
    is_today = clock.day_of(meeting.starts_at) == clock.day_of(now)
    is_open = meeting.state is MeetingState.OPEN
    over = meeting.ends_at < now
    if is_today and (is_open or not over):
        title = _("今天开会：%(title)s", title=meeting.title)
        text = _("%(at)s，%(place)s", at=at, place=meeting.place)
        kind, label = Kind.SITTING, _("签到和纪要")
        yield Task(kind, title, text, label, url, first=True, since=meeting.starts_at)
    elif over:
        title = _("还没有散会：%(title)s") if is_open else _("过了时间没有开会：%(title)s")
        text = (
            _("%(at)s开的会，没有点“结束会议”。", at=at)
            if is_open
            else _("定在 %(at)s。要开就点“开始开会”，不开就公布延期。", at=at)
        )
        # A topic opens and puts off its meetings on its own page.
        prefix, _colon, topic_id = meeting.subject.partition(":")
        if not is_open and prefix == "topic":
            url = url_for("consultations.desk_topic", code=code, topic_id=topic_id)
        if not is_open and prefix == "design":
            url = url_for("designs.show", code=code, design_id=topic_id)
        words = title % {"title": meeting.title}
        yield Task(Kind.MEETINGS, words, text, _("去办"), url, late=True, since=meeting.starts_at)


def _to_write(meeting: MeetingView, code: str) -> Task:
    since = meeting.closed_at or meeting.starts_at
    text = _("%(at)s散会，还没有纪要。", at=time_text(since))
    url = f"{_desk_meeting(meeting, code)}#minutes"
    return Task(
        Kind.MINUTES, _titled(_("写纪要"), meeting.title), text, _("去写"), url, since=since
    )


def _to_confirm(meeting: MeetingView, code: str) -> Task:
    since = meeting.minutes_at or meeting.starts_at
    title = _("纪要等第二人确认：%(title)s", title=meeting.title)
    text = _("纪要%(at)s写好。您看过没有错，就确认公布。", at=time_text(since))
    url = _desk_meeting(meeting, code)
    return Task(Kind.MINUTES, title, text, _("去确认"), url, since=since)


def of_buildings(community_id: int, code: str, now: datetime) -> Iterator[Task]:
    """Steps of buildings whose planned day is over, for whoever reports them."""
    if not guard.may_open("projects.milestone_done"):
        return
    today, _tomorrow = clock.bounds_of_day(clock.day_of(now))
    for step in projects.open_milestones(community_id, today):
        title = _("节点没有完成：%(title)s", title=step.title)
        text = _(
            "%(project)s，计划 %(at)s完成。",
            project=step.project_title,
            at=date_text(step.planned_on),
        )
        url = url_for("projects.works", code=code, project_code=step.project_code)
        yield Task(Kind.MILESTONES, title, text, _("记完成"), url, late=True, since=step.planned_on)


def of_members(community_id: int, code: str, now: datetime) -> Iterator[Task]:
    """Households that do not know somebody who came in, for whoever may look into it."""
    if not guard.may_open("people.end_member"):
        return
    for home in member_queries.contested_homes(community_id):
        title = _("核实谁进来过：%(address)s", address=home.address)
        text = _(
            "%(at)s起有家人说手机不认识或者不用了，共 %(number)s 部。请在 %(until)s 以前当面核实。",
            at=time_text(home.since),
            number=home.number,
            until=time_text(home.since + CONTEST_ANSWERED_WITHIN),
        )
        url = url_for("people.desk_household", code=code, household_id=home.household_id)
        yield Task(
            Kind.MEMBERS,
            title,
            text,
            _("去核实"),
            f"{url}#members",
            late=home.since + CONTEST_ANSWERED_WITHIN < now,
            since=home.since,
        )


def of_roles(found: Sequence[roles.Waiting]) -> Iterator[Task]:
    """Roles that somebody was proposed for, for whoever may say yes or no."""
    for one in found:
        asked = one.proposal
        title = _(
            "定一份提名：%(community)s的%(role)s",
            community=one.community,
            role=role_name(asked.role),
        )
        text = _(
            "%(who)s %(at)s提名。%(until)s 以前没有人定，就作废。",
            who=asked.proposed_by_name,
            at=date_text(asked.proposed_at),
            until=time_text(asked.proposed_at + PROPOSAL_LASTS),
        )
        url = url_for("roles.proposal", code=one.code, proposal_id=asked.id)
        yield Task(Kind.ROLES, title, text, _("去看"), url, since=asked.proposed_at)


def of_outreach(community_id: int, code: str, now: datetime) -> Iterator[Task]:
    """Paper to be brought, visits without a day, and visits whose day has come."""
    if not guard.may_open("assisting.desk_outreach"):
        return
    url = url_for("assisting.desk_outreach", code=code)
    waiting = outreach.to_hand(community_id)
    if waiting:
        since = min(one.since for one in waiting)
        title = _("%(number)s 份纸质材料要送", number=len(waiting))
        text = _("最早的 %(at)s要的。", at=time_text(since))
        yield Task(Kind.PAPER, title, text, _("去看"), f"{url}#paper", since=since)
    visits = outreach.visits_to_come(community_id)
    unplanned = [one for one in visits if one.planned_at is None]
    if unplanned:
        since = min(one.asked_at for one in unplanned)
        title = _("%(number)s 户请人上门，还没约", number=len(unplanned))
        text = _("最早的 %(at)s说的。", at=time_text(since))
        yield Task(Kind.VISITS, title, text, _("去约"), f"{url}#visits", since=since)
    today, tomorrow = clock.bounds_of_day(clock.day_of(now))
    for one in visits:
        if one.planned_at is not None and one.planned_at < tomorrow:
            title = _("上门：%(at)s", at=time_text(one.planned_at))
            text = _("%(who)s去。办完记结果。", who="、".join(one.who))
            late = one.planned_at < today
            door = url_for("assisting.finish_visit", code=code, home_visit_id=one.id)
            yield Task(Kind.VISITS, title, text, _("记结果"), door, late=late, since=one.planned_at)


def of_corrections(community_id: int, code: str, now: datetime) -> Iterator[Task]:
    """What residents ask to have put right in the roll, for whoever may do that."""
    if not guard.may_open("correcting.answer"):
        return
    for one in corrections.waiting(community_id):
        until = one.asked_at + ANSWERED_WITHIN
        text = _(
            "%(what)s，%(at)s提的。请核实，%(until)s以前改好或者答复。",
            what=what_text(one.what),
            at=date_text(one.asked_at),
            until=date_text(until),
        )
        url = url_for("correcting.answer", code=code, correction_id=one.id)
        title = _("更正底册：%(address)s", address=one.address)
        late = until < now
        yield Task(Kind.CORRECTIONS, title, text, _("去核实"), url, late=late, since=one.asked_at)


def of_ratings(community_id: int, code: str, now: datetime) -> Iterator[Task]:
    """Repairs due, low scores without a repair, and projects to be rated once more."""
    if not guard.may_open("ratings.start"):
        return
    titles = projects.titles(community_id)
    for task in ratings.open_repairs(community_id):
        if task.due <= now + SOON:
            yield _repair(task, titles[task.project_code], code)
    yield from _low_scores(community_id, titles, code)
    for project, since in ratings.to_rate_again(community_id).items():
        title = _("返修都办完了，请大家再评一次：%(title)s", title=titles[project])
        text = _("最后一项 %(at)s办完。", at=date_text(since))
        url = _rating_url(project, code)
        yield Task(Kind.RATINGS, title, text, _("开放评价"), url, since=since)


def _rating_url(project: str, code: str) -> str:
    return url_for("ratings.desk_project", code=code, project_code=project)


def _low_scores(community_id: int, titles: dict[str, str], code: str) -> Iterator[Task]:
    for project, options in ratings.unanswered(community_id).items():
        title = _("分数偏低：%(title)s", title=titles[project])
        text = _("%(number)s 项低于 60 分，还没有安排返修。", number=len(options))
        yield Task(Kind.RATINGS, title, text, _("安排返修"), _rating_url(project, code))


def _repair(task: ratings.Repair, project: str, code: str) -> Task:
    url = _rating_url(task.project_code, code)
    title = _("返修逾期：%(what)s") if task.overdue else _("返修快到期：%(what)s")
    text = _(
        "%(project)s，%(owner)s修，应在 %(at)s 以前办完。",
        project=project,
        owner=task.owner,
        at=time_text(task.due),
    )
    words, late = title % {"what": task.what}, task.overdue
    return Task(Kind.REPAIRS, words, text, _("去看"), url, late=late, soon=not late, since=task.due)
