"""What our papers say about a community, a poll, a result: from views to printing's content."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import current_app, g, url_for
from flask_babel import gettext as _

from app.core import clock
from app.core.record import latest_checkpoint
from app.core.times import day_text, end_text, time_text
from app.exports import printing
from app.meetings.words import off_banner
from app.people.rules import code_groups
from app.voting import words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.communities.queries import CommunityView, HouseholdAddress
    from app.meetings.queries import MeetingView
    from app.people.operations import IssuedCode
    from app.voting.queries import PollCard, PollView, ResultView

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def base_url() -> str:
    """The address that papers carry; never the one of the request."""
    return str(current_app.config["SETTINGS"].base_url)


def words_of(address: str) -> str:
    """An address as people type it, without the scheme."""
    return address.split("://", 1)[-1]


def sender(place: CommunityView) -> printing.Sender:
    """Whose paper it is. Paper of a loopback address is a demo, whatever the community is."""
    loopback = urlsplit(base_url()).hostname in LOOPBACK
    return printing.Sender(
        community=place.name,
        committee=_("%(community)s居民委员会", community=place.name),
        office=place.office,
        hours=place.hours,
        desk_phone=place.desk_phone,
        demo=place.demo or loopback,
    )


def letter_text(polls: Sequence[PollCard]) -> printing.LetterText:
    """What all letters of a printing say; `polls` are those open now."""
    purpose = (
        _("社区有一件大家的事，请每户投一票。")
        if polls
        else _("以后社区建什么、怎么管，请每户投一票，就用这封信进入。请先收好。")
    )
    lines = tuple(
        printing.PollLine(poll.title, _("%(at)s 截止", at=time_text(poll.closes_at)))
        for poll in polls
    )
    return printing.LetterText(
        purpose=purpose,
        polls=lines,
        address_words=words_of(base_url()) + url_for("people.enter"),
        printed=_("%(day)s印。", day=day_text(clock.now())),
    )


def letters(
    addresses: Sequence[HouseholdAddress], codes: Mapping[int, IssuedCode]
) -> list[printing.Letter]:
    """One letter for each address, in walking order. The code lies behind #, unseen by servers."""
    door = base_url() + url_for("people.enter")
    return [
        printing.Letter(
            address=address.text,
            groups=code_groups(codes[address.household_id].code),
            link=f"{door}#{codes[address.household_id].code}",
        )
        for address in addresses
    ]


def poster(poll: PollView) -> printing.Poster:
    """The poster of an opened poll."""
    link = base_url() + url_for("portal.short", key=poll.public_id)
    return printing.Poster(
        kind=poll.kind_name,
        title=poll.title,
        when=words.countdown(poll.closes_at, poll.closes_at).strip()
        if poll.decided
        else _(
            "%(opens)s 到 %(closes)s",
            opens=time_text(poll.opens_at),
            closes=time_text(poll.closes_at),
        ),
        who=poll.who,
        effect=poll.effect,
        link=link,
        address_words=words_of(link),
    )


def meeting_notice(meeting: MeetingView, question: str) -> printing.MeetingNotice:
    """The notice of an announced meeting."""
    code = g.place.code
    path = url_for("meetings.show", code=code, meeting_id=meeting.public_id)
    free = meeting.capacity - meeting.held
    return printing.MeetingNotice(
        title=meeting.title,
        form=_("%(form)s公告", form=meeting.form),
        when=time_text(meeting.starts_at),
        where=meeting.place,
        chairs=_(
            "主持：%(chair)s　记录：%(recorder)s", chair=meeting.chair, recorder=meeting.recorder
        ),
        question=question,
        items=tuple(
            printing.MeetingItem(item.title, item.speaker, item.minutes) for item in meeting.items
        ),
        materials=meeting.materials,
        places=_(
            "共 %(all)s 个座位，%(free)s 个可以用手机报名，%(held)s 个留给服务台。",
            all=meeting.capacity,
            free=free,
            held=meeting.held,
        ),
        announced=_("%(day)s公告", day=day_text(meeting.announced_at)),
        link=base_url() + path,
        address_words=words_of(base_url() + path),
        off=off_banner(meeting),
        why=_("原因：%(reason)s", reason=meeting.reason) if meeting.reason else "",
    )


def result_notice(place: CommunityView, result: ResultView) -> printing.ResultNotice:
    """The notice of a closed poll."""
    poll = result.poll
    record = words_of(base_url()) + url_for("exports.record", code=place.code)
    return printing.ResultNotice(
        heading=_("投票结果公示") if poll.published_at else _("投票初步结果"),
        kind=poll.kind_name,
        title=poll.title,
        outcome=result.sentence,
        tests=tuple(printing.NoticeTest(test.text, test.passed) for test in result.tests),
        rows=_rows(result),
        turnout=_turnout(result),
        publication=_publication(place, poll),
        record_words=record,
        checkpoint=latest_checkpoint(place.id) or "",
        date=day_text(poll.published_at or poll.closed_at or clock.now()),
    )


def _rows(result: ResultView) -> tuple[printing.NoticeRow, ...]:
    rows = [
        printing.NoticeRow(
            row.title, f"{row.votes:,}", _("胜出") if row.won else _("并列") if row.tied else ""
        )
        for row in result.rows
    ]
    if result.blank is not None:
        rows.append(printing.NoticeRow(_("均不同意"), f"{result.blank:,}", ""))
    return tuple(rows)


def _turnout(result: ResultView) -> tuple[str, ...]:
    heads = result.poll.heads
    line = _(
        "应参加 %(heads)s 户，实际参加 %(turnout)s 户（%(percent)s）。",
        heads=f"{heads:,}",
        turnout=f"{result.turnout:,}",
        percent=words.percent(result.turnout, heads),
    )
    return (line, result.poll.effect)


def _publication(place: CommunityView, poll: PollView) -> tuple[str, ...]:
    if poll.publication_until is None:
        return (_("这是截止时自动计出的初步结果，公示期由居委会公布后开始。"),)
    return (
        _("公示到 %(until)s。", until=end_text(poll.publication_until)),
        _(
            "对结果有异议的，请在公示期内到社区服务台（%(office)s，电话 %(phone)s）提出。",
            office=place.office,
            phone=place.desk_phone,
        ),
    )
