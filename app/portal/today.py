"""What is due at the desk today, for whoever works there: only what they may do themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.communities import queries as communities
from app.consultations import queries as topics
from app.core import clock, guard
from app.core.times import date_text, time_text
from app.designs import queries as designs
from app.discussion import queries as opinions
from app.meetings import queries as meetings
from app.portal import due
from app.portal.due import Kind, Task
from app.roles import queries as roles
from app.sharing import queries as lifted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.communities.queries import AreaView
    from app.consultations.queries import TopicLine
    from app.portal.queries import DeskHome

# Of one kind so many lines are shown at once; the rest is one tap away.
SHOWN = 3
# What the lines are called that are folded away.
KINDS = {
    Kind.SITTING: _l("今天的会"),
    Kind.RESULTS: _l("要公布的结果"),
    Kind.OBJECTIONS: _l("要答复的异议"),
    Kind.TOPICS: _l("要往下走的议题"),
    Kind.WORK: _l("要落实的事项"),
    Kind.MEETINGS: _l("没有开完的会"),
    Kind.MINUTES: _l("会议纪要"),
    Kind.REPAIRS: _l("返修"),
    Kind.RATINGS: _l("评价"),
    Kind.MILESTONES: _l("建设节点"),
    Kind.DESIGNS: _l("设计方案"),
    Kind.DRAFTS: _l("投票草稿"),
    Kind.MEMBERS: _l("要核实的手机"),
    Kind.ROLES: _l("等您定的提名"),
    Kind.VISITS: _l("上门"),
    Kind.CORRECTIONS: _l("住户提的更正"),
}


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of one kind: some are shown, the rest is folded under `more`."""

    shown: tuple[Task, ...]
    folded: tuple[Task, ...]
    more: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the list under a heading of its own, kind by kind."""

    heading: str
    kinds: tuple[Lines, ...]


def sections(community_id: int, code: str, desk: DeskHome, reader: int | None) -> list[Section]:
    """Everything due: what is late, what can be done now, what falls due within the week."""
    found = tasks(community_id, code, desk, reader)
    late = [task for task in found if task.late]
    now = [task for task in found if not task.late and not task.soon]
    soon = [task for task in found if task.soon]
    parts = (
        (_("已逾期，%(number)s 件", number=len(late)), late),
        (_("等您办，%(number)s 件", number=len(now)), now),
        (_("七天内到期，%(number)s 件", number=len(soon)), soon),
    )
    return [Section(heading, tuple(_by_kind(part))) for heading, part in parts if part]


def _by_kind(found: Sequence[Task]) -> Iterator[Lines]:
    for kind in Kind:
        mine = tuple(task for task in found if task.kind is kind)
        # To fold a single line away would save nobody anything.
        cut = SHOWN if len(mine) > SHOWN + 1 else len(mine)
        name = KINDS.get(kind, "")
        more = _("还有 %(number)s 件：%(what)s", number=len(mine) - cut, what=name)
        if mine:
            yield Lines(mine[:cut], mine[cut:], more)


def tasks(community_id: int, code: str, desk: DeskHome, reader: int | None) -> list[Task]:
    """Everything due, what is late first; nothing that the reader could only look at."""
    now = clock.now()
    lines = topics.all_topics(community_id)
    held = meetings.meetings_of(community_id)
    work = opinions.work(community_id, now)
    found = [
        *_appeals(work, code),
        *_polls(code, desk),
        *_screening(lines, code),
        *due.of_topics(lines, held, code, now),
        *_opinions(work, code),
        *_designs(community_id, code),
        *due.of_meetings(held, code, now, reader),
        *due.of_buildings(community_id, code, now),
        *due.of_ratings(community_id, code, now),
        *due.of_members(community_id, code, now),
        *due.of_roles(roles.to_decide(reader or 0, [community_id])),
        *due.of_outreach(community_id, code, now),
        *due.of_corrections(community_id, code, now),
        *_codes(code, desk),
    ]
    return sorted(found, key=lambda task: (not task.late, task.soon, _age(task, now)))


def above(area: AreaView, reader: int) -> list[Task]:
    """What waits for somebody who works for a city, district or subdistrict."""
    below = [place.id for place in communities.communities_below(area.id)]
    found = [*_lifted(area), *_shared_appeals(area), *due.of_roles(roles.to_decide(reader, below))]
    return sorted(found, key=lambda task: task.since or clock.now())


def _lifted(area: AreaView) -> Iterator[Task]:
    """Topics that were lifted, and opinions on shared ones; for a subdistrict's own staff."""
    if not guard.may_open("sharing.desk"):
        return
    for lift in lifted.waiting_lifts(area.id):
        yield Task(
            Kind.TOPICS,
            _("决定接不接：%(title)s", title=lift.title),
            _(
                "%(community)s %(at)s提上来。",
                community=lift.community,
                at=date_text(lift.lifted_at),
            ),
            _("去看"),
            url_for("sharing.lifted", jurisdiction=area.code, lift_id=lift.public_id),
            first=True,
            since=lift.lifted_at,
        )
    for line in lifted.shared_of_area(area.id):
        if line.waiting:
            yield Task(
                Kind.OPINIONS,
                _("%(number)s 条意见等审核、等答复", number=line.waiting),
                _("街道协商：%(title)s", title=line.title),
                _("去办"),
                url_for("sharing.desk_topic", jurisdiction=area.code, shared_id=line.public_id),
                since=line.opened_at,
            )


def _shared_appeals(area: AreaView) -> Iterator[Task]:
    """Appeals against the places right below."""
    found = lifted.appeals(area.id) if guard.may_open("sharing.appeals") else []
    if found:
        yield Task(
            Kind.APPEALS,
            _("%(number)s 条申诉等您复核", number=len(found)),
            _(
                "街道退回或隐藏的意见，写的人不服。最早一条 %(at)s交来。",
                at=_since(found[0].appealed_at),
            ),
            _("去复核"),
            url_for("sharing.appeals", jurisdiction=area.code),
            first=True,
            since=found[0].appealed_at,
        )


def everywhere(reader: int) -> list[Task]:
    """What waits for an administrator: proposals of roles that they may give."""
    return list(due.of_roles(roles.to_decide(reader)))


def _age(task: Task, now: datetime) -> datetime:
    """When it began to wait; what says no day of its own comes last."""
    return task.since or now


def _door(act: str, page: str, **values: object) -> str:
    """The page's address, or nothing for a reader who may not do the act."""
    return url_for(page, **values) if guard.may_open(act) else ""  # type: ignore[arg-type]


def _since(moment: datetime | None) -> str:
    return time_text(moment) if moment is not None else ""


def _appeals(work: opinions.Work, code: str) -> Iterator[Task]:
    url = _door("discussion.hear", "discussion.desk", code=code)
    if work.appeals and url:
        yield Task(
            Kind.APPEALS,
            _("%(number)s 条申诉等您复核", number=work.appeals),
            _(
                "最早一条 %(at)s交来。复核的人不能是当初审核的人。",
                at=_since(work.appealed_since),
            ),
            _("去复核"),
            url,
            first=True,
            since=work.appealed_since,
        )


def _polls(code: str, desk: DeskHome) -> Iterator[Task]:
    for poll in desk.to_publish:
        url = _door("voting.publish", "voting.desk_poll", code=code, poll_id=poll.public_id)
        if url:
            yield Task(
                Kind.RESULTS,
                _("公布结果：%(title)s", title=poll.title),
                _("%(at)s截止，计票完成。公布以后开始公示。", at=time_text(poll.closes_at)),
                _("去公布"),
                url,
                first=True,
                since=poll.closes_at,
            )
    for poll in desk.drafts:
        url = _door("voting.open_now", "voting.desk_poll", code=code, poll_id=poll.public_id)
        if url:
            yield Task(Kind.DRAFTS, poll.title, poll.until, _("接着办"), url, since=poll.opens_at)


def _screening(lines: Iterable[TopicLine], code: str) -> Iterator[Task]:
    new = [line for line in lines if line.state in {"proposed", "screening"}]
    if not new or not guard.may_open("consultations.move"):
        return
    oldest = min(new, key=lambda line: line.created_at)
    one = url_for("consultations.desk_topic", code=code, topic_id=oldest.public_id)
    yield Task(
        Kind.SCREENING,
        _("%(number)s 个议题等审核", number=len(new)),
        _("最早的 %(at)s提出：%(title)s", at=time_text(oldest.created_at), title=oldest.title),
        _("去审核"),
        one if len(new) == 1 else url_for("consultations.desk", code=code),
        first=True,
        since=oldest.created_at,
    )


def _opinions(work: opinions.Work, code: str) -> Iterator[Task]:
    url = _door("discussion.publish", "discussion.desk", code=code)
    if work.waiting and url:
        text = _("最早一条 %(at)s交来，48 小时内办完。", at=_since(work.since))
        if work.overdue:
            text = _(
                "%(number)s 条超过 48 小时。最早一条 %(at)s交来。",
                number=work.overdue,
                at=_since(work.since),
            )
        title = _("%(number)s 条意见等审核", number=work.waiting)
        late = work.overdue > 0
        yield Task(Kind.OPINIONS, title, text, _("去审核"), url, late=late, since=work.since)
    if work.undisposed and guard.may_open("discussion.dispose"):
        title = _("%(number)s 条意见还没说怎么处理", number=work.undisposed)
        text = _(
            "最早一条 %(at)s公布。采纳、部分采纳还是不采纳，每一条都要答复。",
            at=_since(work.undisposed_since),
        )
        url = url_for("discussion.desk", code=code)
        yield Task(Kind.OPINIONS, title, text, _("去答复"), url, since=work.undisposed_since)


def _designs(community_id: int, code: str) -> Iterator[Task]:
    if not guard.may_open("designs.decide"):
        return
    for one in designs.waiting(community_id):
        title = _("设计方案等审核：%(title)s", title=one.title)
        text = _("%(at)s交来，您看过以后居民才看得到。", at=time_text(one.created_at))
        url = url_for("designs.show", code=code, design_id=one.public_id)
        yield Task(Kind.DESIGNS, title, text, _("去看"), url, since=one.created_at)


def _codes(code: str, desk: DeskHome) -> Iterator[Task]:
    url = _door("people.unlock", "people.desk", code=code, state="locked")
    if desk.locked and url:
        title = _("%(number)s 户的编码锁住了", number=desk.locked)
        text = _("有人连错十次。住户来服务台时核对身份，再解锁。")
        yield Task(Kind.CODES, title, text, _("看是哪些户"), url)
