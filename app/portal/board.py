"""The public notice board: everything a community has told everybody, the newest first.

Nothing is stored for it. Each room's own dates are read, so the board can never say anything else
than the pages it leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.consultations.models import Topic, TopicMove
from app.consultations.rules import UNSEEN, State
from app.consultations.words import STATES
from app.conventions.models import Convention
from app.core import clock
from app.core.db import db
from app.core.times import end_text, time_text
from app.meetings.models import Meeting
from app.projects.models import ProgressPost, Project
from app.ratings.models import RepairTask
from app.voting.models import Poll
from app.voting.rules import PollKind

if TYPE_CHECKING:
    from app.communities.queries import CommunityView

PAGE = 30
# Whoever wants to go back further reads a thing's own page, or the record.
LAST_PAGE = 40


class Section(StrEnum):
    """What a notice is about; the board can be read by one of them."""

    VOTE = "vote"
    TOPIC = "topic"
    MEETING = "meeting"
    CONVENTION = "convention"
    WORKS = "works"


SECTIONS = {
    Section.VOTE: _l("投票"),
    Section.TOPIC: _l("议题"),
    Section.MEETING: _l("会议"),
    Section.CONVENTION: _l("公约"),
    Section.WORKS: _l("工程和评价"),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that was told. `until` is set while it is open to objections, in words."""

    at: datetime
    section: Section
    what: str
    title: str
    url: str
    until: str = ""

    @property
    def name(self) -> str:
        """The section in words."""
        return str(SECTIONS[self.section])


@dataclass(frozen=True, slots=True)
class Board:
    """One page of the board. `older` is the next page's number, 0 at the end."""

    in_publication: tuple[Notice, ...]
    notices: tuple[Notice, ...]
    older: int


# A room's newest notices: enough of each kind that so many of all kinds can be shown.
Source = Callable[["CommunityView", int], Iterator[Notice]]


def board(place: CommunityView, section: Section | None, page: int) -> Board:
    """One page of what was told, counted from 1, of one section or of all."""
    sources = [SOURCES[section]] if section else list(SOURCES.values())
    most = page * PAGE + 1
    found = sorted(
        (notice for source in sources for notice in source(place, most)),
        key=lambda notice: notice.at,
        reverse=True,
    )
    return Board(
        in_publication=_in_publication(place, section) if page == 1 else (),
        notices=tuple(found[most - 1 - PAGE : most - 1]),
        older=page + 1 if len(found) >= most and page < LAST_PAGE else 0,
    )


def _rows(statement: Any, moment_column: Any, most: int) -> Any:
    told = statement.where(moment_column.is_not(None))
    return db.session.execute(told.order_by(moment_column.desc()).limit(most))


def _votes(place: CommunityView, most: int) -> Iterator[Notice]:
    told = (
        (Poll.opened_at, "voting.show", _opened),
        (Poll.closed_at, "voting.result", lambda _row: _("投票截止，出了初步结果")),
        (Poll.published_at, "voting.result", lambda _row: _("结果开始公示")),
        (Poll.final_at, "voting.result", lambda _row: _("公示期满，结果确定")),
    )
    wanted = Poll.public_id, Poll.title, Poll.kind, Poll.closes_at, Poll.publication_until
    for column, endpoint, words in told:
        statement = select(*wanted, column.label("at")).where(Poll.community_id == place.id)
        for row in _rows(statement, column, most):
            url = url_for(endpoint, code=place.code, poll_id=row.public_id)
            yield Notice(row.at, Section.VOTE, words(row), row.title, url)


def _opened(row: Any) -> str:
    if row.kind == PollKind.SATISFACTION_RATING.value:
        return _("请大家评一评，%(until)s截止", until=time_text(row.closes_at))
    return _("开始投票，%(until)s截止", until=time_text(row.closes_at))


def _topics(place: CommunityView, most: int) -> Iterator[Notice]:
    public = [state.value for state in State if state not in UNSEEN]
    statement = (
        select(Topic.public_id, Topic.title, TopicMove.to_state, TopicMove.at)
        .join(TopicMove, TopicMove.topic_id == Topic.id)
        .where(
            Topic.community_id == place.id,
            Topic.state.in_(public),
            TopicMove.to_state.in_(public),
        )
    )
    for row in _rows(statement, TopicMove.at, most):
        url = url_for("consultations.show", code=place.code, topic_id=row.public_id)
        words = str(STATES[State(row.to_state)][1])
        yield Notice(row.at, Section.TOPIC, words, row.title, url)


def _meetings(place: CommunityView, most: int) -> Iterator[Notice]:
    told = (
        (Meeting.announced_at, _announced),
        (Meeting.confirmed_at, lambda _row: _("会议记录经两人核对，已公开")),
    )
    wanted = Meeting.public_id, Meeting.title, Meeting.starts_at, Meeting.place
    for column, words in told:
        statement = select(*wanted, column.label("at")).where(Meeting.community_id == place.id)
        for row in _rows(statement, column, most):
            url = url_for("meetings.show", code=place.code, meeting_id=row.public_id)
            yield Notice(row.at, Section.MEETING, words(row), row.title, url)


def _announced(row: Any) -> str:
    return _("会议通知：%(at)s，%(place)s", at=time_text(row.starts_at), place=row.place)


def _conventions(place: CommunityView, most: int) -> Iterator[Notice]:
    told = (
        (Convention.consulted_at, _("征求意见，逐条可以写意见")),
        (Convention.adopted_at, _("表决通过")),
        (Convention.published_at, _("备案后正式公布")),
    )
    for column, words in told:
        statement = select(Convention.number, Convention.title, column.label("at")).where(
            Convention.community_id == place.id
        )
        for row in _rows(statement, column, most):
            url = url_for("conventions.show", code=place.code, number=row.number)
            title = _("《%(title)s》第 %(number)s 版", title=row.title, number=row.number)
            yield Notice(row.at, Section.CONVENTION, words, title, url)


def _works(place: CommunityView, most: int) -> Iterator[Notice]:
    yield from _reports(place, most)
    yield from _repairs(place, most)


def _reports(place: CommunityView, most: int) -> Iterator[Notice]:
    reports = (
        select(Project.code, Project.title, ProgressPost.text, ProgressPost.at)
        .join(ProgressPost, ProgressPost.project_id == Project.id)
        .where(Project.community_id == place.id)
    )
    for row in _rows(reports, ProgressPost.at, most):
        url = url_for("projects.show", code=place.code, project_code=row.code)
        yield Notice(row.at, Section.WORKS, row.text, row.title, url)


def _repairs(place: CommunityView, most: int) -> Iterator[Notice]:
    told = (
        (RepairTask.opened_at, _("要返修")),
        (RepairTask.done_at, _("返修完成")),
    )
    for column, words in told:
        repairs = (
            select(Project.code, Project.title, RepairTask.what, column.label("at"))
            .join(
                RepairTask,
                (RepairTask.project_code == Project.code)
                & (RepairTask.community_id == Project.community_id),
            )
            .where(Project.community_id == place.id)
        )
        for row in _rows(repairs, column, most):
            url = url_for("ratings.show", code=place.code, project_code=row.code)
            yield Notice(
                row.at,
                Section.WORKS,
                _("%(act)s：%(what)s", act=words, what=row.what),
                row.title,
                url,
            )


SOURCES: dict[Section, Source] = {
    Section.VOTE: _votes,
    Section.TOPIC: _topics,
    Section.MEETING: _meetings,
    Section.CONVENTION: _conventions,
    Section.WORKS: _works,
}


def _in_publication(place: CommunityView, section: Section | None) -> tuple[Notice, ...]:
    """What may still be objected to today, the first to end first."""
    now = clock.now()
    found = []
    if section in {None, Section.VOTE}:
        polls = select(Poll.public_id, Poll.title, Poll.published_at, Poll.publication_until).where(
            Poll.community_id == place.id, Poll.publication_until > now
        )
        for row in db.session.execute(polls.order_by(Poll.publication_until)):
            url = url_for("voting.result", code=place.code, poll_id=row.public_id)
            found.append(_open(row, Section.VOTE, _("投票结果公示"), url))
    if section in {None, Section.TOPIC}:
        topics = select(
            Topic.public_id, Topic.title, Topic.published_at, Topic.publication_until
        ).where(Topic.community_id == place.id, Topic.publication_until > now)
        for row in db.session.execute(topics.order_by(Topic.publication_until)):
            url = url_for("consultations.show", code=place.code, topic_id=row.public_id)
            found.append(_open(row, Section.TOPIC, _("协商结果公示"), url))
    return tuple(found)


def _open(row: Any, section: Section, what: str, url: str) -> Notice:
    until = end_text(row.publication_until)
    return Notice(row.published_at, section, what, row.title, url, until)
