"""How polls are laid out for reading: badges, lines, timelines, charts. Templates only show."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING

from flask_babel import gettext as _

from app.core import times
from app.core.charts import bar_chart
from app.core.words import yuan
from app.voting import words
from app.voting.rules import HIGHEST, LOWEST, NONE_OF_THEM, Method, Outcome, Phase, PollKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.core.charts import Chart
    from app.voting.queries import BallotView, PollCard, PollView, ResultView
    from app.voting.steps import OptionCard


@dataclass(frozen=True, slots=True)
class Badge:
    """A word and the kind of its shape."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A poll in a list."""

    public_id: str
    title: str
    kind_name: str
    badge: Badge
    when: str
    turnout: str
    open: bool
    decided: bool
    waits_for_reader: bool
    voted: str


@dataclass(frozen=True, slots=True)
class Step:
    """One act of a poll's life, done or to come."""

    at_text: str
    title: str
    text: str
    done: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to tick on a ballot, with its card unfolding in place."""

    value: str
    title: str
    line: str
    price: str
    checked: bool
    card: OptionCard | None


@dataclass(frozen=True, slots=True)
class Table:
    """A table of texts; each header says whether its column holds numbers."""

    headers: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, ...], ...]


# In Chinese characters; widths are relative to each other.
LABEL_LENGTH = 24
WIDE, NARROW = 7, 4
BADGES = {
    Phase.DRAFT: "",
    Phase.SCHEDULED: "wait",
    Phase.OPEN: "go",
    Phase.COUNTING: "wait",
    Phase.CLOSED: "info",
    Phase.PUBLISHED: "info",
    Phase.FINAL: "go",
}


def badge(phase: Phase) -> Badge:
    """What a poll is now, in a word and a shape."""
    text = {
        Phase.DRAFT: _("草稿"),
        Phase.SCHEDULED: _("等待开始"),
        Phase.OPEN: _("正在投票"),
        Phase.COUNTING: _("已截止，正在计票"),
        Phase.CLOSED: _("已计票，等待公示"),
        Phase.PUBLISHED: _("结果公示中"),
        Phase.FINAL: _("结果已确定"),
    }[phase]
    return Badge(BADGES[phase], text)


def lines(cards: Sequence[PollCard], now: datetime) -> list[Line]:
    """Polls as lines of a list."""
    return [_line(card, now) for card in cards]


def _line(card: PollCard, now: datetime) -> Line:
    is_open = card.phase is Phase.OPEN
    return Line(
        public_id=card.public_id,
        title=card.title,
        kind_name=words.kind_name(card.kind),
        badge=badge(card.phase),
        when=when(card.phase, card.opens_at, card.closes_at, card.publication_until, now),
        turnout=turnout(card.turnout, card.heads) if card.heads else "",
        open=is_open,
        decided=card.phase in {Phase.CLOSED, Phase.PUBLISHED, Phase.FINAL},
        waits_for_reader=is_open and card.may_vote and card.voted_at is None,
        voted=_("本户已在%(at)s投票", at=times.time_text(card.voted_at)) if card.voted_at else "",
    )


def when(
    phase: Phase,
    opens_at: datetime,
    closes_at: datetime,
    until: datetime | None,
    now: datetime,
) -> str:
    """The one time that matters in this phase."""
    if phase in {Phase.DRAFT, Phase.SCHEDULED}:
        return _(
            "%(opens)s 开始，%(closes)s 截止",
            opens=times.time_text(opens_at),
            closes=times.time_text(closes_at),
        )
    if phase is Phase.PUBLISHED and until is not None:
        return _("公示到%(day)s", day=last_day(until))
    if phase is Phase.OPEN:
        return words.countdown(closes_at, now)
    return _("已于%(at)s截止", at=times.time_text(closes_at))


def last_day(until: datetime) -> str:
    """The last day of a period that ends at midnight."""
    return times.day_text(until - timedelta(seconds=1))


def turnout(count: int, heads: int) -> str:
    """How many households took part, with the denominator."""
    return _(
        "%(count)s 户已投票，共 %(heads)s 户（%(percent)s）",
        count=f"{count:,}",
        heads=f"{heads:,}",
        percent=words.percent(count, heads),
    )


def choices(poll: PollView, chosen: Sequence[str]) -> list[Choice]:
    """What can be ticked on the ballot, in the order it was frozen in."""
    cards = {card.option: card for card in poll.cards}
    return [_choice(option, title, cards.get(option), chosen) for option, title in poll.options]


def _choice(option: str, title: str, card: OptionCard | None, chosen: Sequence[str]) -> Choice:
    price = (
        "" if card is None or card.cost_fen is None else _("%(yuan)s 元", yuan=yuan(card.cost_fen))
    )
    return Choice(
        value=option,
        title=title,
        line=card.summary if card else "",
        price=price,
        checked=option in chosen,
        card=card,
    )


@dataclass(frozen=True, slots=True)
class Scale:
    """One question of a rating: its steps, each with the value its radio sends."""

    name: str
    title: str
    steps: tuple[tuple[str, str, bool], ...]


def scales(poll: PollView, chosen: Sequence[str]) -> list[Scale]:
    """The questions of a rating; empty for other methods."""
    if poll.method is not Method.SCORE:
        return []
    options = poll.options or tuple((card.option, card.title) for card in poll.cards)
    return [
        Scale(
            f"score-{option}",
            title,
            tuple(
                (str(score), words.score_name(score), f"{option}={score}" in chosen)
                for score in range(HIGHEST, LOWEST - 1, -1)
            ),
        )
        for option, title in options
    ]


SMALL_RATING = 5


def points(total: int, raters: int) -> str:
    """A mean of 0 to 100 with one decimal, rounded half up in whole numbers."""
    if raters < SMALL_RATING:
        return _("不足 5 户")
    tenths = (total * 1000 * 2 // (raters * HIGHEST) + 1) // 2
    return f"{tenths // 10}.{tenths % 10}"


def _raters(raters: int) -> str:
    """How many answered; a number below five would point at households."""
    return _("不足 5 户") if raters < SMALL_RATING else f"{raters:,}"


def _score_table(result: ResultView) -> Table:
    headers = ((_("方面"), False), (_("平均分（满分 100）"), True), (_("作答户数"), True))
    rows = [
        (row.title, points(row.votes, row.raters or 0), _raters(row.raters or 0))
        for row in result.rows
    ]
    return Table(headers, tuple(rows))


def _score_chart(result: ResultView) -> Chart:
    shown = [row for row in result.rows if (row.raters or 0) >= SMALL_RATING]
    rows = [
        (
            _short(row.title),
            row.votes * 1000 // ((row.raters or 1) * HIGHEST),
            points(row.votes, row.raters or 0),
            False,
        )
        for row in shown
    ]
    return bar_chart(_("各方面平均分的条形图，数字见旁边的表"), rows, 1000, None)


def none_choice(chosen: Sequence[str]) -> Choice:
    """均不同意, an answer of its own."""
    return Choice(
        value=NONE_OF_THEM,
        title=_("均不同意"),
        line=_("这些项目都不赞成；算作参加了投票"),
        price="",
        checked=NONE_OF_THEM in chosen,
        card=None,
    )


def ticked(ballot: BallotView) -> list[str]:
    """The member's own ballot as ticks of the form."""
    if isinstance(ballot.choice, str):
        return [ballot.choice]
    if isinstance(ballot.choice, dict):
        return [f"{option}={score}" for option, score in ballot.choice.items()]
    if ballot.choice is None:
        return []
    return ballot.choice or [NONE_OF_THEM]


def how_many(poll: PollView) -> str:
    """How many options a ballot may name."""
    if poll.method is Method.YES_NO:
        return _("请选一项。")
    if poll.method is Method.SCORE:
        return _("共 %(count)s 题，每题选一档；不清楚的可以空着。", count=len(poll.options))
    return _(
        "共 %(count)s 个项目，最多选 %(k)s 项；也可以选“均不同意”。",
        count=len(poll.options),
        k=poll.rules.k,
    )


def cards_title(poll: PollView) -> str:
    """The heading over the projects of a poll."""
    if poll.method is Method.SCORE:
        return _("要评的方面")
    if poll.kind == PollKind.MEETING_RESOLUTION:
        return _("表决什么")
    return _("要问的项目") if poll.method is Method.YES_NO else _("可选的项目")


def unfold_title(poll: PollView) -> str:
    """What unfolds under the one thing a ballot asks about."""
    if poll.kind == PollKind.MEETING_RESOLUTION:
        return _("看全文")
    return _("看详细：花多少、谁出钱、谁维护")


def read_title(poll: PollView) -> str:
    """What unfolds under a card that is read and not chosen."""
    return _("看全文") if poll.kind == PollKind.MEETING_RESOLUTION else _("看详细")


def _short(title: str) -> str:
    """A title that fits over a bar; the table beside the chart has it whole.

    Latin letters are about half as wide as Chinese characters.
    """
    widths = [WIDE if unicodedata.east_asian_width(c) in "WF" else NARROW for c in title]
    if sum(widths) <= LABEL_LENGTH * WIDE:
        return title
    room = (LABEL_LENGTH - 1) * WIDE
    return title[: sum(total <= room for total in accumulate(widths))].rstrip() + "…"


def chart(result: ResultView) -> Chart:
    """The votes as bars, with the number that was asked for as a line."""
    if result.poll.method is Method.SCORE:
        return _score_chart(result)
    rows = [
        (
            _short(row.title),
            row.votes,
            _("%(votes)s 户", votes=f"{row.votes:,}"),
            row.won or _passed(result, row.option),
        )
        for row in result.rows
    ]
    line = None
    if result.needed is not None:
        line = (result.needed, _("要求至少 %(needed)s 户", needed=f"{result.needed:,}"))
    longest = max([result.needed or 0, *(row.votes for row in result.rows)])
    label = _("各项得票的条形图，数字见旁边的表")
    return bar_chart(label, rows, longest, line)


def _passed(result: ResultView, option: str) -> bool:
    return option == "yes" and result.outcome == Outcome.PASSED


def table(result: ResultView) -> Table:
    """The votes as a table: what a chart shows, in numbers."""
    if result.poll.method is Method.SCORE:
        return _score_table(result)
    choose = result.poll.method is Method.CHOOSE
    headers = [
        (_("选项"), False),
        (_("得票（户）"), True),
        (_("占参加投票的户数"), True),
    ]
    if choose:
        headers += [(_("预算（元）"), True), (_("结果"), True)]
    rows = [
        (
            row.title,
            f"{row.votes:,}",
            words.percent(row.votes, result.turnout),
            *((yuan(row.cost_fen or 0), _place(won=row.won, tied=row.tied)) if choose else ()),
        )
        for row in result.rows
    ]
    if result.blank is not None:
        share = words.percent(result.blank, result.turnout)
        rows.append((_("均不同意"), f"{result.blank:,}", share, "—", "—"))
    return Table(tuple(headers), tuple(rows))


def _place(*, won: bool, tied: bool) -> str:
    if won:
        return _("胜出")
    return _("并列") if tied else _("未胜出")


def channels(result: ResultView) -> list[tuple[str, str]]:
    """Who took part by which way; nothing where a group would be too small to hide in."""
    if result.by_channel is None:
        return []
    names = {"phone": _("手机投票"), "paper": _("纸质选票")}
    return [
        (names[channel], _("%(count)s 户", count=f"{count:,}"))
        for channel, count in sorted(result.by_channel.items(), reverse=True)
        if count
    ]


def life(poll: PollView) -> list[Step]:
    """What happened to a poll and what comes next, in order."""
    opened = _done(poll.opened_at, _("投票开放"), _("题目、选项、规则和参加名单从这时起不再改动"))
    # What counts is the time that was announced, however late the machine came to count.
    closed = poll.closed_at and _done(
        poll.closes_at, _("投票截止并计票"), _("选票按规则由系统计数，人人可以复核")
    )
    published = _done(poll.published_at, _("结果公示"), _published_until(poll))
    final = _done(poll.final_at, _("结果确定"), "")
    return [
        opened or Step(times.time_text(poll.opens_at), _("投票开放"), "", done=False),
        closed or Step(times.time_text(poll.closes_at), _("投票截止并计票"), "", done=False),
        published or Step(_("截止以后"), _("社区公示结果"), _("公示期内可以提出意见"), done=False),
        final or _final_to_come(poll),
    ]


def _done(at: datetime | None, title: str, text: str) -> Step | None:
    return None if at is None else Step(times.time_text(at), title, text, done=True)


def _published_until(poll: PollView) -> str:
    if poll.publication_until is None:
        return ""
    return _("公示到%(day)s；有意见请到社区服务台提出", day=last_day(poll.publication_until))


def _final_to_come(poll: PollView) -> Step:
    at = _("公示期满")
    if poll.publication_until is not None:
        at = _("%(day)s公示期满", day=last_day(poll.publication_until))
    return Step(at, _("结果确定"), "", done=False)


def why_not_now(view: BallotView, *, of_age: bool) -> tuple[str, str]:
    """Why a ballot cannot be cast now: a title, and what there is to do."""
    poll = view.poll
    if poll.phase is Phase.SCHEDULED:
        return _("投票还没有开始"), _(
            "%(at)s开始。到时候再来就可以投票。", at=times.time_text(poll.opens_at)
        )
    if poll.phase is not Phase.OPEN:
        return _("投票已经截止"), _(
            "%(at)s截止，现在交的选票不计票。", at=times.time_text(poll.closes_at)
        )
    if not view.may_vote:
        return _("本户不在这次的参加名单里"), _(
            "名单在投票开放时按户底册定下。如有疑问，请到社区服务台核对。"
        )
    if not of_age:
        return _("满 18 周岁才能投票"), _(
            "您进来时说过未满 18 周岁，可以看、可以提意见，票由家里的大人投。"
            "满 18 周岁以后，带身份证到社区服务台说一声，就能投了。"
        )
    at = times.time_text(view.cast_at) if view.cast_at else ""
    if view.by_proxy:
        return _("持委托书的人已替本户投票"), _(
            "时间%(at)s。一户一票，先投的算数，本户不能再投。没有写过委托书，或者不同意的，请马上到社区服务台。",
            at=at,
        )
    return _("本户已经投票"), _(
        "本户已由另一位家人投票，时间%(at)s。一户一票，由先投的人修改；如有异议，请到社区服务台。",
        at=at,
    )
