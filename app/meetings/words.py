"""Words for meetings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.bodies.words import named
from app.core import web
from app.core.errors import RuleBroken
from app.core.times import in_record_language, time_text
from app.core.words import listed
from app.meetings.resolutions import Body, Matter
from app.meetings.rules import AgeBand, Change, MeetingState, Presence, SeatState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.meetings.queries import MeetingView, PartyView

STATES = {
    MeetingState.ANNOUNCED: ("info", _l("已公告")),
    MeetingState.OPEN: ("go", _l("正在开会")),
    MeetingState.CLOSED: ("", _l("已结束")),
    MeetingState.POSTPONED: ("wait", _l("延期")),
    MeetingState.ADJOURNED: ("wait", _l("休会")),
}
SEATS = {
    SeatState.COMING: ("go", _l("已报名")),
    SeatState.WAITING: ("wait", _l("候补")),
    SeatState.CANCELLED: ("", _l("不来了")),
}
PRESENCES = {
    Presence.DUE: ("", _l("应到")),
    Presence.COMING: ("info", _l("说了来")),
    Presence.DECLINED: ("stop", _l("说了来不了")),
    Presence.PRESENT: ("go", _l("到场")),
    Presence.ABSENT: ("stop", _l("没有到")),
}
BANDS = {
    AgeBand.TO_35: _l("35 岁以下"),
    AgeBand.TO_59: _l("36 至 59 岁"),
    AgeBand.TO_79: _l("60 至 79 岁"),
    AgeBand.FROM_80: _l("80 岁以上"),
    AgeBand.UNSAID: _l("不说"),
}
BODIES = {
    Body.RESIDENTS_MEETING: _l("居民会议"),
    Body.REPRESENTATIVES_MEETING: _l("居民代表会议"),
    Body.POLL: _l("居民投票"),
    Body.OWNERS: _l("业主共同决定"),
}
MATTERS = {
    Matter.SIMPLE: _l("一般事项（过半数同意）"),
    Matter.MAJOR: _l("重大事项（四分之三以上同意），如改变共有部分用途"),
}
CHANNELS = {"phone": _l("手机报名"), "desk": _l("服务台登记"), "walk_in": _l("现场来的")}


# How people sit together is kept in Chinese, as the notice at the gate says it.
SITTINGS = (
    _l("圆桌会"),
    _l("议事会"),
    _l("听证会"),
    _l("小区协商"),
    _l("居民会议"),
    _l("居民代表会议"),
    _l("设计师进社区"),
)


def sitting(form: str) -> str:
    """How people sit together, in the reader's language."""
    with in_record_language():
        kept = {str(name): name for name in SITTINGS}
    return str(kept.get(form, form))


def badge_of(state: MeetingState | SeatState) -> tuple[str, str]:
    """Kind and words of a badge."""
    kind, text = STATES[state] if isinstance(state, MeetingState) else SEATS[state]
    return kind, str(text)


def presence_badge(presence: Presence) -> tuple[str, str]:
    """Kind and words of a party's badge."""
    kind, text = PRESENCES[presence]
    return kind, str(text)


def party_name(party: PartyView) -> str:
    """A party as the notice and the minutes name it; never a person."""
    return named(party.name, party.kind) if party.kind else party.name


def party_lines(parties: Iterable[PartyView]) -> list[str]:
    """Who was due, who came, and who did not and why: a sentence for each of the three."""
    all_of_them = list(parties)
    came = [party_name(one) for one in all_of_them if one.presence is Presence.PRESENT]
    missing = [
        _("%(name)s（%(reason)s）", name=party_name(one), reason=one.reason)
        for one in all_of_them
        if one.presence in {Presence.ABSENT, Presence.DECLINED}
    ]
    lines = []
    if all_of_them:
        due = [party_name(one) for one in all_of_them]
        lines.append(_("应到各方：%(names)s", names=listed(due)))
    if came:
        lines.append(_("到场：%(names)s", names=listed(came)))
    if missing:
        lines.append(_("没有到：%(names)s", names=listed(missing)))
    return lines


def off_banner(meeting: MeetingView) -> str:
    """What stands over a notice that is no longer true; empty while it is."""
    if meeting.state is MeetingState.POSTPONED:
        return _("延期，不按下面的时间开")
    return _("休会，另行公告再开") if meeting.state is MeetingState.ADJOURNED else ""


def attendance_rows(counts: dict[str, int | None]) -> list[tuple[str, str]]:
    """Age bands with their numbers; a hidden cell says so, and where all are, one line does."""
    if all(number is None for number in counts.values()):
        return [(_("各年龄段"), _("人少，不公布"))]
    return [
        (str(BANDS[AgeBand(band)]), _("不单独公布") if number is None else f"{number:,}")
        for band, number in counts.items()
    ]


def _broken(error: RuleBroken) -> str:
    facts = error.facts
    if error.code in {"meeting.too_early", "meeting.doors_closed"}:
        at = time_text(facts["starts_at"])  # type: ignore[arg-type]
        return _("会议 %(at)s 开始，提前半小时可以签到。现在什么都没有改动。", at=at)
    sentences = {
        "meeting.capacity": _("座位数要在 1 到 %(most)s 之间，没有保存。", most=facts.get("most")),
        "meeting.held": _("留给服务台的座位不能比总数多，没有保存。"),
        "meeting.in_the_past": _("开会时间已经过了，没有保存。请改成以后的时间。"),
        "meeting.short_notice": _(
            "至少要提前 %(days)s 天公告，没有发布。请把开会时间往后放。", days=facts.get("days")
        ),
        "meeting.item": _(
            "议程第 %(number)s 行看不明白，没有保存。请写成“内容｜谁来讲｜分钟数”。",
            number=facts.get("number"),
        ),
        "meeting.no_agenda": _("还没有写议程，没有保存。至少写一行。"),
        "meeting.no_label": _("请写上怎么称呼这位居民，比如“3 号楼王阿姨”。没有登记。"),
        "meeting.held_full": _("留给服务台的座位已经用完，没有登记。现场来的仍可以签到。"),
        "meeting.band": _("请选一个年龄段，不想说可以选“不说”。没有签到。"),
        "meeting.minutes_empty": _("纪要是空的或者太长，没有保存。"),
        "meeting.confirmed": _("纪要已经确认，不能再改。有错请在议题页面发更正。"),
        "meeting.same_person": _(
            "纪要是您写的，不能由您自己确认，没有确认。请另一位工作人员登录后来确认。"
        ),
        "meeting.no_quorum": _(
            "到场 %(present)s 人，公告要求至少 %(quorum)s 人，没有结束。"
            "要结束，请勾选“按人数不够结束”；也可以到议题页面宣布休会，另行公告再开。",
            present=facts.get("present", ""),
            quorum=facts.get("quorum", ""),
        ),
        "meeting.party_twice": _("名单里已经有这个单位，没有再加一次。"),
        "meeting.too_late": _("会已经结束，或者到没到场已经记下了，没有保存您的答复。"),
        "meeting.answer": _("请选一项。什么都没有保存。"),
        "meeting.no_excuse": _("请写一句为什么没有来，公开的。什么都没有保存。"),
        "meeting.wrong_state": _("会议现在不是这一步，什么都没有改动。请刷新看一看。"),
    }
    return sentences[error.code]


def _resolution_broken(error: RuleBroken) -> str:
    facts = error.facts
    sentences = {
        "resolution.numbers": _(
            "人数对不上，没有保存：同意的不能多于到会的，到会的不能多于应到的。"
        ),
        "resolution.owners": _(
            "面积或人数对不上，没有保存：同意的不能多于参加的，参加的不能多于全部的。"
        ),
        "resolution.area": _("面积看不明白，没有保存。请写平方米，最多两位小数，如 41230.50。"),
        "resolution.composition": _("居民代表应占居民代表会议成员的五分之四以上，没有保存。"),
        "resolution.quorum": _(
            "到会 %(present)s，应到 %(base)s，没有达到法定人数，不能算通过。没有保存。",
            present=facts.get("present", ""),
            base=facts.get("base", ""),
        ),
        "resolution.majority": _(
            "到会 %(present)s，同意 %(favour)s，没有超过半数，不能算通过。没有保存。",
            present=facts.get("present", ""),
            favour=facts.get("in_favour", ""),
        ),
    }
    return sentences[error.code]


def changed(change: str, title: str, at: str, reason: str) -> str:
    """What whoever wanted to come is told: one sentence for each change, naming the meeting."""
    if change == Change.ANEW:
        return _("“%(title)s”重新定了时间：%(at)s。要来请再报一次名", title=title, at=at)
    if change == Change.ADJOURNED:
        return _("“%(title)s”休会了，另行公告：%(reason)s", title=title, reason=reason)
    return _("您报名的“%(title)s”延期了：%(reason)s", title=title, reason=reason)


web.explain("meeting", _broken)
web.explain("resolution", _resolution_broken)
