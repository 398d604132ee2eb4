"""One poll's record in tables for people: what was asked, who took part, what came of it, when.

No names: what is here may hang on the notice board. In Chinese whoever exports it, for the file
goes to whoever supervises; the archive beside it speaks to machines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask_babel import gettext as _

from app.core import clock
from app.core.times import in_record_language
from app.discussion.words import role_name
from app.exports import queries
from app.voting import queries as voting
from app.voting.rules import Method

if TYPE_CHECKING:
    from datetime import datetime

    from app.exports.queries import Act
    from app.voting.queries import PollView, ResultView

Row = Sequence[object]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a title and a header."""

    title: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]


def of_poll(community_id: int, public_id: str) -> list[Table]:
    """The six tables of an opened poll, in the order people read them. Raises: NotFound."""
    definition = queries.fingerprints(community_id, public_id)
    acts = queries.poll_acts(community_id, public_id)
    with in_record_language():
        poll = voting.poll_view(community_id, public_id)
        result = voting.result_view(community_id, public_id) if poll.decided else None
        return [
            Table(_("投票内容"), (_("项目"), _("内容")), tuple(_definition(poll, definition))),
            Table(
                _("选项"),
                (_("编号"), _("选项"), _("造价（元）")),
                tuple(_options(poll)),
            ),
            Table(_("结果"), (_("项目"), _("内容")), tuple(_result(poll, result))),
            Table(_("参与"), (_("项目"), _("户数")), tuple(_turnout(poll, result))),
            Table(
                _("计票"),
                (_("编号"), _("选项"), _("票数"), _("说明")),
                tuple(_tally(result)),
            ),
            Table(
                _("时间线"),
                (_("记录序号"), _("时间（北京时间）"), _("事项"), _("身份")),
                tuple(_timeline(acts)),
            ),
        ]


def _definition(poll: PollView, definition: dict[str, str]) -> Iterable[Row]:
    yield _("投票编号"), poll.public_id
    yield _("题目"), poll.title
    yield _("性质"), poll.kind_name
    yield _("效力"), poll.effect
    yield _("谁参加"), poll.who
    yield _("办法"), _METHODS[poll.method]()
    yield _("开放"), _time(poll.opens_at)
    yield _("截止"), _time(poll.closes_at)
    for number, rule in enumerate(poll.rules_in_words, start=1):
        yield _("规则 %(number)s", number=number), rule
    yield _("选票文字的指纹"), definition["text_sha256"]
    yield _("参加名单的指纹"), definition["voters_root"]


_METHODS = {
    Method.YES_NO: lambda: _("同意、反对、弃权，选一项"),
    Method.CHOOSE: lambda: _("从几个项目里选，可以都不同意"),
    Method.SCORE: lambda: _("逐项打分，五档"),
}


def _options(poll: PollView) -> Iterable[Row]:
    costs = {card.option: card.cost_fen for card in poll.cards}
    for option, title in poll.options:
        fen = costs.get(option)
        # Fen are shown as yuan with two places; no float comes near money.
        yield option, title, "" if fen is None else f"{fen // 100}.{fen % 100:02d}"


def _result(poll: PollView, result: ResultView | None) -> Iterable[Row]:
    if result is None:
        yield _("结论"), _("还没有截止，没有结果。截止以前不公布票数。")
        return
    yield _("结论"), result.sentence
    for test in result.tests:
        yield _("达到") if test.passed else _("没有达到"), test.text
    for row in result.rows:
        if row.won or row.tied:
            yield _("胜出") if row.won else _("并列"), row.title
    yield _("公示到"), _time(poll.publication_until) if poll.publication_until else _("还没有公示")


def _turnout(poll: PollView, result: ResultView | None) -> Iterable[Row]:
    yield _("应参加"), poll.heads
    if result is None:
        yield _("到 %(at)s 已参加", at=_time(clock.now())), poll.turnout
        return
    yield _("实际参加"), result.turnout
    # A cell that could point at single households is not published.
    channels = {"phone": _("其中用手机"), "paper": _("其中用纸质选票")}
    if result.by_channel is None:
        yield _("各种方式的户数"), _("有一种不足 20 户，不分开公布")
    for channel, count in (result.by_channel or {}).items():
        yield channels[channel], count


def _tally(result: ResultView | None) -> Iterable[Row]:
    if result is None:
        return
    for row in result.rows:
        raters = "" if row.raters is None else _("%(number)s 户评了这一项", number=row.raters)
        yield row.option, row.title, row.votes, raters
    if result.blank is not None:
        yield "", _("均不同意"), result.blank, ""


def _timeline(acts: Iterable[Act]) -> Iterable[Row]:
    words = {
        "poll.opened": _("投票开放，内容、规则和名单不再改动"),
        "poll.closed": _("投票截止并计票"),
        "result.published": _("结果公示"),
        "result.final": _("公示期满，结果确定"),
    }
    for act in acts:
        role = _("系统按时间办理") if act.role == "system" else role_name(act.role)
        yield act.seq, _time(act.at), words.get(act.kind, act.kind), role


def _time(moment: datetime) -> str:
    """A moment that sorts and that a spreadsheet reads, as clocks in China show it."""
    return f"{clock.local(moment):%Y-%m-%d %H:%M}"
