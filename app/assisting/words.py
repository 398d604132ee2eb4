"""What the desk is told while it acts for somebody present."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.assisting.rules import Checked
from app.core import web

if TYPE_CHECKING:
    from app.core.errors import RuleBroken

# How the clerk knows who is there.
CHECKED = {
    Checked.KNOWN: _l("我或者网格员认识本人"),
    Checked.DOCUMENT: _l("看过证件"),
    Checked.PHONED: _l("打过登记的电话核实"),
}


def _broken(error: RuleBroken) -> str:
    return {
        "assist.not_stated": _("没有勾选声明，不能代办。什么都没有保存。人到了现场再办。"),
        "assist.own_household": _(
            "这是您自己家，不能在服务台自己给自己代办。什么都没有保存。请用手机投，或者请另一位工作人员办。"
        ),
        "assist.over": _(
            "这一次现场代办已经结束，刚才交的没有保存。人还在的话，请从住户页重新开始。"
        ),
        "assist.no_receipt": _(
            "收据只在投完的 10 分钟内能打印，现在看不到了。选票已经收到，不受影响。"
        ),
    }[error.code]


web.explain("assist", _broken)
