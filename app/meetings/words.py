"""Words for meetings."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import web
from app.core.errors import RuleBroken
from app.core.times import in_record_language, time_text
from app.meetings.rules import AgeBand, MeetingState, SeatState

STATES = {
    MeetingState.ANNOUNCED: ("info", _l("已公告")),
    MeetingState.OPEN: ("go", _l("正在开会")),
    MeetingState.CLOSED: ("", _l("已结束")),
    MeetingState.POSTPONED: ("wait", _l("延期")),
}
SEATS = {
    SeatState.COMING: ("go", _l("已报名")),
    SeatState.WAITING: ("wait", _l("候补")),
    SeatState.CANCELLED: ("", _l("不来了")),
}
BANDS = {
    AgeBand.TO_35: _l("35 岁以下"),
    AgeBand.TO_59: _l("36 至 59 岁"),
    AgeBand.TO_79: _l("60 至 79 岁"),
    AgeBand.FROM_80: _l("80 岁以上"),
    AgeBand.UNSAID: _l("不说"),
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


def attendance_rows(counts: dict[str, int | None]) -> list[tuple[str, str]]:
    """Age bands with their numbers; a hidden cell says so."""
    return [
        (str(BANDS[AgeBand(band)]), _("少于 5 人") if number is None else f"{number:,}")
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
        "meeting.wrong_state": _("会议现在不是这一步，什么都没有改动。请刷新看一看。"),
    }
    return sentences[error.code]


web.explain("meeting", _broken)
