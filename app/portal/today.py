"""What is due at the desk today, for whoever works there: only what they may do themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for
from flask_babel import gettext as _

from app.consultations import queries as topics
from app.core import clock, guard
from app.core.times import end_text, time_text
from app.designs import queries as designs
from app.discussion import queries as opinions
from app.meetings import queries as meetings
from app.projects import queries as projects
from app.ratings import queries as ratings

if TYPE_CHECKING:
    from datetime import datetime

    from app.portal.queries import DeskHome


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do: its heading, a line about it, and the door that leads to it.

    `late` says in words what is overdue; `first` marks what comes before everything else.
    """

    title: str
    text: str
    label: str
    url: str
    late: str = ""
    first: bool = False


def tasks(community_id: int, code: str, desk: DeskHome, reader: int | None) -> list[Task]:
    """Everything due, what is late first; nothing that the reader could only look at."""
    now = clock.now()
    found = [
        *_appeals(community_id, code),
        *_polls(code, desk),
        *_topics(community_id, code, now),
        *_opinions(community_id, code, now),
        *_designs(community_id, code),
        *_meetings(community_id, code, now, reader),
        *_ratings(community_id, code),
        *_codes(code, desk),
    ]
    return sorted(found, key=lambda task: (not task.first, not task.late))


def _door(act: str, page: str, **values: object) -> str:
    """The page's address, or nothing for a reader who may not do the act."""
    return url_for(page, **values) if guard.may_open(act) else ""  # type: ignore[arg-type]


def _appeals(community_id: int, code: str) -> Iterator[Task]:
    number = len(opinions.appeals(community_id))
    url = _door("discussion.hear", "discussion.desk", code=code)
    if number and url:
        title = _("%(number)s 条申诉等您复核", number=number)
        yield Task(title, _("复核的人不能是当初审核的人。"), _("去复核"), url, first=True)


def _polls(code: str, desk: DeskHome) -> Iterator[Task]:
    for poll in desk.to_publish:
        url = _door("voting.publish", "voting.desk_poll", code=code, poll_id=poll.public_id)
        if url:
            yield Task(
                _("公布结果：%(title)s", title=poll.title),
                _("投票已经截止，计票完成。公布以后开始公示。"),
                _("去公布"),
                url,
                first=True,
            )
    for poll in desk.drafts:
        url = _door("voting.open_now", "voting.desk_poll", code=code, poll_id=poll.public_id)
        if url:
            yield Task(poll.title, poll.until, _("接着办"), url)


def _topics(community_id: int, code: str, now: datetime) -> Iterator[Task]:
    if not guard.may_open("consultations.move"):
        return
    lines = topics.all_topics(community_id)
    new = [line for line in lines if line.state in {"proposed", "screening"}]
    if new:
        yield Task(
            _("%(number)s 个议题等审核", number=len(new)),
            new[0].title,
            _("去审核"),
            url_for("consultations.desk", code=code),
            first=True,
        )
    for line in lines:
        until = line.publication_until
        if line.state == "published" and until is not None and until <= now:
            yield Task(
                _("公示期满：%(title)s", title=line.title),
                _("公示到 %(until)s，可以往下走了。", until=end_text(until)),
                _("去办"),
                url_for("consultations.desk_topic", code=code, topic_id=line.public_id),
            )


def _opinions(community_id: int, code: str, now: datetime) -> Iterator[Task]:
    work = opinions.work(community_id, now)
    url = _door("discussion.publish", "discussion.desk", code=code)
    if work.waiting and url:
        late = _("%(number)s 条超过 48 小时", number=work.overdue) if work.overdue else ""
        title = _("%(number)s 条意见等审核", number=work.waiting)
        yield Task(title, _("先到先办，48 小时内办完。"), _("去审核"), url, late)
    if work.undisposed and guard.may_open("discussion.dispose"):
        title = _("%(number)s 条意见还没说怎么处理", number=work.undisposed)
        text = _("采纳、部分采纳还是不采纳，每一条都要答复。")
        yield Task(title, text, _("去答复"), url_for("discussion.desk", code=code))


def _designs(community_id: int, code: str) -> Iterator[Task]:
    for one in designs.waiting(community_id):
        url = _door("designs.decide", "designs.show", code=code, design_id=one.public_id)
        if url:
            yield Task(_("设计方案等审核"), one.title, _("去看"), url)


def _meetings(community_id: int, code: str, now: datetime, reader: int | None) -> Iterator[Task]:
    today = clock.local(now).date()
    for meeting in meetings.meetings_of(community_id):
        address = {"code": code, "meeting_id": meeting.public_id}
        is_today = clock.local(meeting.starts_at).date() == today
        to_come = is_today and meeting.state in {"announced", "open"}
        if to_come and guard.may_open("meetings.walk_in"):
            title = _("今天开会：%(title)s", title=meeting.title)
            at = _("%(at)s，%(place)s", at=time_text(meeting.starts_at), place=meeting.place)
            url = url_for("meetings.desk_meeting", **address)  # type: ignore[arg-type]
            yield Task(title, at, _("签到和纪要"), url)
        over = meeting.state in {"closed", "adjourned"}
        written = over and meeting.minutes_text and not meeting.confirmed_at
        # Whoever wrote the minutes is not the second person.
        others = meeting.minutes_by != reader
        if written and others and guard.may_open("meetings.confirm"):
            url = url_for("meetings.desk_meeting", **address)  # type: ignore[arg-type]
            yield Task(_("纪要等第二人确认"), meeting.title, _("去确认"), url)


def _ratings(community_id: int, code: str) -> Iterator[Task]:
    if not guard.may_open("ratings.start"):
        return
    for task in ratings.open_repairs(community_id):
        if task.overdue:
            text = _("%(what)s，%(owner)s", what=task.what, owner=task.owner)
            url = url_for("ratings.desk", code=code)
            late = _("应在 %(at)s 以前办完", at=time_text(task.due))
            yield Task(_("返修逾期"), text, _("去看"), url, late)
    for project, options in ratings.unanswered(community_id).items():
        url = url_for("ratings.desk_project", code=code, project_code=project)
        title = _("分数偏低：%(title)s", title=projects.project(community_id, project).title)
        text = _("%(number)s 项低于 60 分，还没有安排返修。", number=len(options))
        yield Task(title, text, _("安排返修"), url)


def _codes(code: str, desk: DeskHome) -> Iterator[Task]:
    url = _door("people.unlock", "people.desk", code=code, state="locked")
    if desk.locked and url:
        title = _("%(number)s 户的编码锁住了", number=desk.locked)
        text = _("有人连错十次。住户来服务台时核对身份，再解锁。")
        yield Task(title, text, _("看是哪些户"), url)
