"""Words for topics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.consultations.rules import Form, State
from app.core import web
from app.core.errors import RuleBroken
from app.core.times import day_text, end_text, full_day_text
from app.core.words import yuan
from app.meetings.resolutions import Body, Verdict
from app.meetings.words import BODIES

if TYPE_CHECKING:
    from app.consultations.queries import OutcomeView

STATES = {
    State.PROPOSED: ("wait", _l("议题征集")),
    State.SCREENING: ("wait", _l("正在审核")),
    State.ACCEPTED: ("go", _l("已立项")),
    State.ANNOUNCED: ("info", _l("已公告，等开会")),
    State.IN_SESSION: ("go", _l("正在协商")),
    State.DRAFTED: ("info", _l("形成协商意见")),
    State.PUBLISHED: ("info", _l("协商结果公示中")),
    State.OBJECTION_REVIEW: ("wait", _l("正在处理异议")),
    State.TO_VOTE: ("info", _l("提交表决")),
    State.DECIDED: ("go", _l("已确定")),
    State.IMPLEMENTING: ("go", _l("正在落实")),
    State.REPORTED: ("info", _l("落实情况已公开")),
    State.RATED: ("info", _l("已评议")),
    State.ARCHIVED: ("", _l("已归档")),
    State.REJECTED: ("stop", _l("不予立项")),
    State.MERGED: ("", _l("合并办理")),
    State.ESCALATED: ("info", _l("提级协商")),
    State.WITHDRAWN: ("", _l("已撤回")),
    State.NOT_ADOPTED: ("stop", _l("未通过")),
    State.ADJOURNED: ("wait", _l("休会")),
    State.POSTPONED: ("wait", _l("延期")),
    State.INVALIDATED: ("stop", _l("责令改正或撤销")),
}
FORMS = {
    Form.ROUND_TABLE: _l("圆桌会"),
    Form.COUNCIL: _l("议事会"),
    Form.HEARING: _l("听证会"),
    Form.OWNERS_TALK: _l("小区协商"),
    Form.RESIDENTS_MEETING: _l("居民会议"),
    Form.REPRESENTATIVES_MEETING: _l("居民代表会议"),
}
VERDICTS = {
    Verdict.PASSED: _l("通过"),
    Verdict.NO_QUORUM: _l("参加的人不够，没有通过"),
    Verdict.NOT_PASSED: _l("没有通过"),
}
# The verb on the button that makes a move, and what the page says will happen.
MOVES = {
    State.SCREENING: (_l("开始审核"), _l("提议人会看到“正在审核”。")),
    State.ACCEPTED: (_l("立项"), _l("议题公开，居民可以写意见。")),
    State.REJECTED: (_l("决定不予立项"), _l("议题和理由一起公开。")),
    State.ADJOURNED: (_l("宣布休会"), _l("人数不够或时间不够，另行公告再开。")),
    State.OBJECTION_REVIEW: (
        _l("登记收到的异议"),
        _l("写明异议说什么，不写提的人是谁。三天内答复，答复以前不能确定。"),
    ),
    State.TO_VOTE: (_l("提交表决"), _l("需要居民会议、居民代表会议或业主表决的，先表决再定。")),
    State.DECIDED: (_l("确定"), _l("公示期满没有未处理的异议，协商意见确定下来。")),
    State.REPORTED: (_l("公开落实情况"), _l("写明做到了哪一步，发给参加协商的各方。")),
    State.RATED: (_l("完成评议"), _l("居民已经评过效果。")),
    State.ARCHIVED: (_l("归档"), _l("全部材料封存，不再改动。")),
}


# What the desk is asked for with a move that owes everybody a word.
REASONS = {
    State.ACCEPTED: _l("为什么立项（公开）"),
    State.REJECTED: _l("为什么不予立项（公开）"),
    State.ADJOURNED: _l("为什么休会（公开）"),
    State.OBJECTION_REVIEW: _l("异议的内容（公开）"),
    State.REPORTED: _l("做到了哪一步（公开）"),
}


def state_badge(state: State) -> tuple[str, str]:
    """Kind and words of the badge."""
    kind, text = STATES[state]
    return kind, str(text)


def outcome_sentence(outcome: OutcomeView, *, with_year: bool = False) -> str:
    """What a vote came to, with its numbers: who decided, when, how many."""
    on = full_day_text if with_year else day_text
    facts = {
        "body": BODIES[Body(outcome.body)],
        "on": on(outcome.held_on),
        "base": f"{outcome.base:,}",
        "present": f"{outcome.present:,}",
        "favour": f"{outcome.in_favour:,}",
        "verdict": VERDICTS[Verdict(outcome.verdict)],
    }
    if outcome.body == Body.OWNERS:
        total, part, favour = (yuan(area) for area in outcome.areas_c)
        areas = {"total_c": total, "part_c": part, "favour_c": favour}
        return _(
            "%(body)s（%(on)s）：专有面积 %(total_c)s 平方米，参加 %(part_c)s，同意 %(favour_c)s；"
            "业主 %(base)s 人，参加 %(present)s，同意 %(favour)s，%(verdict)s。",
            **facts,
            **areas,
        )
    if outcome.body == Body.POLL:
        return _(
            "%(body)s（%(on)s截止）：应参加 %(base)s 户，参加 %(present)s 户，同意 %(favour)s 户，"
            "%(verdict)s。",
            **facts,
        )
    return _(
        "%(body)s（%(on)s）：应到 %(base)s，到会 %(present)s，同意 %(favour)s，%(verdict)s。",
        **facts,
    )


def form_name(form: str) -> str:
    """How people sit together; empty when nobody has said."""
    return str(FORMS[Form(form)]) if form else ""


def _broken(error: RuleBroken) -> str:
    facts = error.facts
    most, until = facts.get("most", ""), facts.get("until")
    sentences = {
        "topic.empty": _("有一栏还没有写，没有保存。"),
        "topic.too_long": _("写得太长了，没有保存。最多 %(most)s 个字。", most=most),
        "topic.too_many_photos": _("照片最多 %(most)s 张，没有保存。", most=most),
        "topic.no_reason": _("请写上理由，理由会公开。什么都没有改动。"),
        "topic.no_parent": _(
            "不能并入这个议题：它还没有公开，或者已经办结了。什么都没有改动。请另选一个。"
        ),
        "topic.no_minutes": _("会议纪要还没有由第二人确认，不能形成协商意见。"),
        "topic.unmoderated": _(
            "还有 %(number)s 条居民意见等着审核，没有公示。请先到“意见审核”办完。",
            number=facts.get("number", ""),
        ),
        "topic.undisposed": _(
            "还有 %(number)s 条居民意见没有说明采纳不采纳，不能公示。请先到“意见审核”办完。",
            number=facts.get("number", ""),
        ),
        "topic.still_published": _(
            "公示到 %(until)s 才期满，现在还不能确定或提交表决。什么都没有改动。",
            until=end_text(until) if until else "",  # type: ignore[arg-type]
        ),
        "topic.no_question": _("还没有写要商量的问题，没有发布。请在“要商量的问题”一栏写一句。"),
        "topic.no_number": _(
            "居民会议和居民代表会议有法定人数，没有发布。请在“至少到多少人才能开”里写上。"
        ),
        "topic.inquorate": _(
            "到场的人没有达到公告要求的人数，这个会不能形成协商意见。请宣布休会，另行公告再开。"
        ),
        "topic.nothing_to_cover": _(
            "没有找到要遮的字或照片，什么都没有改动。请照原文填写要遮住的字。"
        ),
        "topic.unrated": _(
            "居民还没有评过，不能算评议完，什么都没有改动。"
            "请先把议题关联到项目，在“评价”里请居民评，评完截止再来。"
        ),
        "topic.due_past": _("办到的那天已经过了，没有保存。请写今天以后的日子。"),
        "topic.held_when": _("表决的日子不对，没有保存：要在提交表决以后，不能晚于今天。"),
        "topic.no_poll": _(
            "这项投票不能用作这个议题的表决结果，没有保存。要是关联项目的投票，结果已经公示。"
        ),
        "topic.poll_before": _("这项投票在议题提交表决以前就开始了，不能用作表决结果。没有保存。"),
        "topic.poll_tied": _("投票结果是并列，还没有分出来，不能用作表决结果。没有保存。"),
        "topic.linked": _("这个项目已经关联过了。"),
        "topic.fixed": _("公告以后不能再改，有错请发更正。什么都没有改动。"),
        "topic.not_published": _("还没有公开的议题不用更正。"),
        "topic.wrong_state": _("议题现在不能走这一步，什么都没有改动。请刷新看一看。"),
    }
    return sentences[error.code]


web.explain("topic", _broken)
