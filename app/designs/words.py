"""Words for proposals."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import web
from app.core.errors import RuleBroken
from app.designs.rules import State

STATES = {
    State.SUBMITTED: ("wait", _l("等居委会审核")),
    State.PUBLISHED: ("go", _l("已公布")),
    State.RETURNED: ("stop", _l("已退回")),
}


def state_badge(state: State) -> tuple[str, str]:
    """Kind and words of the badge."""
    kind, text = STATES[state]
    return kind, str(text)


def _broken(error: RuleBroken) -> str:
    facts = error.facts
    return {
        "design.number": _(
            "至少要 %(fewest)s 套方案，最多 %(most)s 套，没有保存。",
            fewest=facts.get("fewest", ""),
            most=facts.get("most", ""),
        ),
        "design.plan": _(
            "方案 %(letter)s 没有写全，没有保存：名称、做法、造价、适合谁、放弃什么都要有。",
            letter=facts.get("letter", ""),
        ),
        "design.no_title": _("请写方案的名称，没有保存。"),
        "design.no_change": _("请写明这一版改了什么，没有保存。"),
        "design.no_reason": _("请写明退回的理由，什么都没有改动。"),
        "design.no_postponement": _(
            "请写明为什么延期，最多 %(most)s 个字。什么都没有改动。", most=facts.get("most", "")
        ),
        "design.no_opinion": _("没有找到这条公布的意见，没有保存。"),
        "design.wrong_state": _("方案现在不是这一步，什么都没有改动。"),
    }[error.code]


web.explain("design", _broken)
