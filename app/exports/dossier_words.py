"""The consultation dossier (协商档案) of a topic in words: twelve parts, and what they lack.

What is missing is named as missing; dates carry their year, for a dossier is read decades later.
Source: Organic Law of Urban Residents Committees (2025 revision), art. 39 (affairs archive);
docs/rules.md, "Dossier".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask_babel import gettext as _

from app.consultations.rules import State
from app.consultations.words import form_name, outcome_sentence, state_badge
from app.core.times import full_end_text, full_time_text
from app.discussion.words import disposition_badge, role_name, writer
from app.exports.dossier_facts import (
    answers_to,
    changed,
    followed_up,
    is_known,
    is_over,
    is_told,
    not_adopted,
    superseded_at,
    was_published,
)
from app.exports.dossier_follow_up import built, unfinished, unreported
from app.exports.record_words import act_text
from app.meetings.words import attendance_rows, off_banner, party_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from app.consultations.queries import MoveView, TopicView
    from app.discussion.queries import PostView
    from app.exports.dossier_facts import Earlier, Facts, Held, Led, Vote
    from app.exports.queries import EntryAbout
    from app.meetings.queries import MeetingView

S = State
# Which part the words that explain a move belong to.
SCREENED = frozenset(
    {S.SCREENING, S.ACCEPTED, S.REJECTED, S.MERGED, S.ESCALATED, S.WITHDRAWN, S.PROPOSED}
)
CALLED = frozenset({S.ANNOUNCED, S.POSTPONED, S.ADJOURNED, S.IN_SESSION})
CONCLUDED = frozenset({S.DRAFTED})
SETTLED = frozenset(
    {S.PUBLISHED, S.OBJECTION_REVIEW, S.TO_VOTE, S.DECIDED, S.NOT_ADOPTED, S.INVALIDATED}
)
FOLLOWED = frozenset({S.IMPLEMENTING, S.REPORTED, S.RATED, S.ARCHIVED})
FINGERPRINT = 16


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with what is missing, named line by line, then its lines or a table."""

    title: str
    missing: tuple[str, ...]
    lines: tuple[str, ...]
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Dossier:
    """A topic's dossier in words."""

    community: str
    title: str
    demo: bool
    made: str
    sections: tuple[Section, ...]

    @property
    def missing(self) -> list[str]:
        """The titles of the parts in which something is named as missing."""
        return [section.title for section in self.sections if section.missing]


def in_words(facts: Facts) -> Dossier:
    """The twelve parts of a dossier in the order people keep them."""
    topic, held = facts.topic, facts.held
    parts: tuple[tuple[str, Iterable[str], Iterable[str]], ...] = (
        (_("一、议题"), _topic_lines(topic), _untold(topic)),
        (_("二、公告"), _notices(topic, held), ()),
        (_("三、议程"), (line for one in held for line in _agenda(one.meeting)), ()),
        (_("四、会议材料"), _materials(held), _without_materials(held)),
        (_("五、到场"), (line for one in held for line in _attendance(one)), _uncounted(held)),
        (_("六、居民意见和处理"), _numbered(facts.opinions), _unanswered(facts)),
        (_("七、投票"), _decided(facts), _uncertain(facts)),
        (
            _("八、会议纪要"),
            (line for one in held for line in _minutes(one.meeting)),
            _without_minutes(held),
        ),
        (_("九、协商意见"), _opinion(topic), _unconcluded(topic)),
        (_("十、公示和更正"), _publication(topic), _unpublished(topic)),
        (_("十一、落实和评价"), _follow_up(topic, facts.led), _undone(facts)),
    )
    sections = [_part(title, lines, lacks, _nothing(topic)) for title, lines, lacks in parts]
    made = _("%(at)s 汇编", at=full_time_text(facts.made_at))
    title, demo = _heading(topic), facts.place.demo
    return Dossier(facts.place.name, title, demo, made, (*sections, _record(facts.entries)))


def _part(title: str, lines: Iterable[str], missing: Iterable[str], nothing: str) -> Section:
    """A part in words; one with nothing in it is missing as a whole."""
    there, lacks = tuple(lines), tuple(missing)
    return Section(title, lacks if there or lacks else (nothing,), there)


def _nothing(topic: TopicView) -> str:
    """What is said of a part that is not there, and of one that never will be."""
    if is_over(topic):
        state = state_badge(topic.line.state)[1]
        return _("缺：议题到“%(state)s”为止，没有这一部分。", state=state)
    return _("缺：还没有这一部分。")


def _heading(topic: TopicView) -> str:
    """The title, or what stands for one that nobody may read."""
    if is_known(topic):
        return topic.line.title
    if topic.line.state is State.WITHDRAWN:
        return _("已经撤回的议题（%(id)s）", id=topic.line.public_id)
    return _("还没有公布的议题（%(id)s）", id=topic.line.public_id)


def _moves(topic: TopicView, states: frozenset[State]) -> list[str]:
    with_note = is_known(topic)
    return [_move(move, with_note=with_note) for move in topic.moves if move.to in states]


def _move(move: MoveView, *, with_note: bool) -> str:
    line = f"{full_time_text(move.at)}，{state_badge(move.to)[1]}"
    return f"{line}：{move.note}" if move.note and with_note else line


def _topic_lines(topic: TopicView) -> tuple[str, ...]:
    line = topic.line
    lines = [_("题目：%(title)s", title=line.title)] if is_known(topic) else []
    lines.append(_("提出：%(who)s，%(at)s", who=line.proposer, at=full_time_text(line.created_at)))
    if topic.form:
        lines.append(_("形式：%(form)s", form=form_name(topic.form)))
    lines.append(_("现状：%(state)s", state=state_badge(line.state)[1]))
    if is_told(topic):
        lines += _text(topic)
    if topic.merged_into:
        lines.append(_("合并到另一个议题（%(id)s）办理", id=topic.merged_into))
    return (*lines, *_moves(topic, SCREENED))


def _text(topic: TopicView) -> Iterator[str]:
    yield _("情况：%(text)s", text=topic.background)
    if topic.question:
        yield _("要商量的问题：%(text)s", text=topic.question)
    if topic.parties:
        yield _("协商主体：%(text)s", text=topic.parties.replace("\n", "；"))
    if topic.legal_note:
        yield _("法律上的说明：%(text)s", text=topic.legal_note)


def _untold(topic: TopicView) -> Iterator[str]:
    """What of a topic is not public, and why; then the form, where it is still to be decided."""
    if topic.line.state is State.WITHDRAWN:
        yield _("缺：议题已经撤回，题目和内容不再公开，这里没有。")
    elif not is_known(topic):
        yield _("缺：议题还没有公布，题目和内容不写在这里。")
    elif not is_told(topic):
        yield _("缺：没有立项的议题只公开题目和理由，不公开原文和照片。")
    if not topic.form:
        yield _("缺：没有定协商形式。") if is_over(topic) else _("缺：还没有定协商形式。")


def _notices(topic: TopicView, held: tuple[Held, ...]) -> tuple[str, ...]:
    if not held:
        return ()
    return (*(_notice_line(one.meeting) for one in held), *_moves(topic, CALLED))


def _notice_line(meeting: MeetingView) -> str:
    line = _(
        "%(title)s：%(announced)s公告，%(starts)s在%(place)s，主持%(chair)s，记录%(recorder)s",
        title=meeting.title,
        announced=full_time_text(meeting.announced_at),
        starts=full_time_text(meeting.starts_at),
        place=meeting.place,
        chair=meeting.chair,
        recorder=meeting.recorder,
    )
    off = off_banner(meeting)
    return f"{line}（{off}：{meeting.reason}）" if off else line


def _agenda(meeting: MeetingView) -> Iterator[str]:
    yield _("%(meeting)s的议程：", meeting=_which(meeting))
    for number, item in enumerate(meeting.items, start=1):
        yield _(
            "%(number)s. %(title)s（%(speaker)s，%(minutes)s 分钟）",
            number=number,
            title=item.title,
            speaker=item.speaker,
            minutes=item.minutes,
        )


def _materials(held: tuple[Held, ...]) -> Iterator[str]:
    for one in held:
        if one.meeting.materials:
            names = "；".join(one.meeting.materials)
            yield _("%(meeting)s的材料：%(names)s", meeting=_which(one.meeting), names=names)


def _without_materials(held: tuple[Held, ...]) -> Iterator[str]:
    """Where no meeting has any the part is missing as a whole."""
    if any(one.meeting.materials for one in held):
        for one in held:
            if not one.meeting.materials:
                yield _("缺：%(meeting)s没有材料。", meeting=_which(one.meeting))


def _attendance(held: Held) -> list[str]:
    if held.by_age is None:
        return []
    meeting = held.meeting
    numbers = "，".join(f"{band} {number}" for band, number in attendance_rows(held.by_age))
    whole = _("%(title)s：到场 %(number)s 人", title=meeting.title, number=meeting.present)
    return [f"{whole}（{numbers}）", *party_lines(held.parties)]


def _uncounted(held: tuple[Held, ...]) -> Iterator[str]:
    for one in held:
        if one.over and one.by_age is None:
            yield _("缺：%(meeting)s没有到场人数。", meeting=_which(one.meeting))


def _which(meeting: MeetingView) -> str:
    """A meeting by title and time, for another about the same may bear its title."""
    at = full_time_text(meeting.starts_at)
    return _("“%(title)s”（%(at)s）", title=meeting.title, at=at)


def _numbered(posts: Iterable[PostView]) -> Iterable[str]:
    for number, post in enumerate(posts, start=1):
        yield _(
            "%(number)s. %(who)s，%(at)s：%(text)s",
            number=number,
            who=writer(post),
            at=full_time_text(post.submitted_at),
            text=post.text,
        )
        yield _disposition(post)
        for one in changed(post):
            yield _("改过：%(line)s", line=earlier_words(one))
        for role, text in answers_to(post):
            yield _("回应（%(who)s）：%(text)s", who=role_name(role), text=text)


def _unanswered(facts: Facts) -> Iterator[str]:
    if facts.withheld:
        yield _(
            "缺：议题不公开，%(number)s 条意见也不公开，这里没有。", number=f"{facts.withheld:,}"
        )
    number = sum(1 for post in facts.opinions if not post.disposition)
    if number:
        yield _("缺：有 %(number)s 条意见还没有答复。", number=f"{number:,}")


def earlier_words(earlier: Earlier) -> str:
    """A disposition that no longer holds, with the day it was given."""
    return _(
        "%(at)s 说的是%(disposition)s：%(why)s",
        at=full_time_text(earlier.at),
        disposition=disposition_badge(earlier.disposition)[1],
        why=earlier.why,
    )


def _disposition(post: PostView) -> str:
    what = disposition_badge(post.disposition)[1]
    if not post.disposition_why:
        return _("处理：%(what)s", what=what)
    return _("处理：%(what)s。%(why)s", what=what, why=post.disposition_why)


def _decided(facts: Facts) -> list[str]:
    """What a topic that went to a vote came to, then every poll about it."""
    outcome = facts.topic.outcome
    lines = [outcome_sentence(outcome, with_year=True)] if outcome else []
    return lines + [line for vote in facts.votes for line in _vote(vote)]


def _uncertain(facts: Facts) -> Iterator[str]:
    """What was put to a vote, or asked in a poll, and has no result."""
    if facts.topic.outcome is None and facts.topic.line.state is S.TO_VOTE:
        yield _("缺：已经提交表决，还没有表决结果。")
    for vote in facts.votes:
        if vote.result is None:
            yield _("缺：“%(title)s”还没有结果。", title=vote.poll.title)


def _vote(vote: Vote) -> list[str]:
    poll, result = vote.poll, vote.result
    if result is None:
        return []
    period = _(
        "%(opens)s至%(closes)s",
        opens=full_time_text(poll.opens_at),
        closes=full_end_text(poll.closes_at),
    )
    whole = _(
        "%(kind)s“%(title)s”：%(sentence)s应参加 %(heads)s 户，参加 %(turnout)s 户。%(period)s。",
        kind=poll.kind_name,
        title=poll.title,
        sentence=result.sentence,
        heads=f"{poll.heads:,}",
        turnout=f"{result.turnout:,}",
        period=period,
    )
    counted = [
        _("%(option)s：%(votes)s 票", option=row.title, votes=f"{row.votes:,}")
        for row in result.rows
    ]
    if result.blank is not None:
        counted.append(_("均不同意：%(votes)s 票", votes=f"{result.blank:,}"))
    return [whole, "；".join(counted)]


def _minutes(meeting: MeetingView) -> list[str]:
    if meeting.confirmed_at is None:
        return []
    at = full_time_text(meeting.confirmed_at)
    head = _("%(title)s（%(at)s由第二人确认）", title=meeting.title, at=at)
    return [head, *meeting.minutes_text.split("\n")]


def _without_minutes(held: tuple[Held, ...]) -> Iterator[str]:
    for one in held:
        if not one.over or one.meeting.confirmed_at is not None:
            continue
        which = _which(one.meeting)
        if one.meeting.minutes_text:
            yield _("缺：%(meeting)s的纪要还没有由第二人确认。", meeting=which)
        else:
            yield _("缺：%(meeting)s没有会议纪要。", meeting=which)


def _opinion(topic: TopicView) -> tuple[str, ...]:
    drafted = tuple(_moves(topic, CONCLUDED))
    if not was_published(topic):
        return drafted
    before = _("下面是重新协商以前的协商意见，已经不作数，留着备查。")
    dissent = _("保留意见：%(text)s", text=topic.dissent or _("没有"))
    lines = (*topic.opinion.split("\n"), dissent, *drafted)
    return (before, *lines) if superseded_at(topic) else lines


def _unconcluded(topic: TopicView) -> Iterator[str]:
    began = superseded_at(topic)
    if began is not None:
        yield _("缺：%(at)s起重新协商，还没有新的协商意见。", at=full_time_text(began))
    elif topic.opinion and not was_published(topic):
        yield _("缺：协商意见还没有公示，不写在这里。")


def _publication(topic: TopicView) -> Iterator[str]:
    """The publication that counts, then everything that became of this one and earlier ones."""
    until = topic.line.publication_until
    if topic.published_at is not None and until is not None:
        begun, ends = full_time_text(topic.published_at), full_end_text(until)
        yield _("%(at)s起公示，到%(until)s", at=begun, until=ends)
    yield from _moves(topic, SETTLED)
    for one in topic.corrections if is_known(topic) else ():
        yield _("更正（%(at)s）：%(text)s", at=full_time_text(one.at), text=one.text)


def _unpublished(topic: TopicView) -> Iterator[str]:
    if topic.line.state is S.OBJECTION_REVIEW:
        yield _("缺：异议还没有答复。")
    if topic.published_at is not None:
        return
    if is_over(topic):
        yield _nothing(topic)
    elif any(move.to is S.PUBLISHED for move in topic.moves):
        yield _("缺：原来的公示已经停止，重新协商以后还没有公示。")
    else:
        yield _("缺：还没有公示。")


def _follow_up(topic: TopicView, led: tuple[Led, ...]) -> Iterator[str]:
    if topic.task_owner and topic.line.task_due:
        due = full_end_text(topic.line.task_due)
        yield _("%(owner)s落实，%(due)s前办完", owner=topic.task_owner, due=due)
    if not_adopted(topic):
        yield _("表决没有通过，没有要落实的事。")
    yield from _moves(topic, FOLLOWED)
    for one in led:
        yield from built(one)


def _undone(facts: Facts) -> Iterator[str]:
    topic = facts.topic
    if followed_up(topic):
        yield from unreported(topic, facts.made_at)
    elif is_over(topic) and not not_adopted(topic):
        yield _nothing(topic)
    elif not not_adopted(topic):
        yield _("缺：还没有登记由谁落实、什么时候办完。")
    for one in facts.led:
        yield from unfinished(one)


def _record(entries: tuple[EntryAbout, ...]) -> Section:
    rows = tuple(
        (str(one.seq), full_time_text(one.at), act_text(one), one.leaf[:FINGERPRINT])
        for one in entries
    )
    if not rows:
        return Section(_("十二、公开记录"), (_("缺：还没有这一部分。"),), ())
    lines = (_("指纹是条目叶哈希的前 16 位，全文在 dossier.json；可用公开记录存档核对。"),)
    header = (_("序号"), _("时间"), _("事项"), _("指纹"))
    return Section(_("十二、公开记录"), (), lines, header, rows)
