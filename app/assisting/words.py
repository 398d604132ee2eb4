"""What the desk is told while it acts for somebody present."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.assisting.rules import Checked
from app.core import web
from app.voting.proxy_rules import Seen

if TYPE_CHECKING:
    from app.core.errors import RuleBroken

# How the clerk knows who is there.
CHECKED = {
    Checked.KNOWN: _l("我或者网格员认识本人"),
    Checked.DOCUMENT: _l("看过证件"),
    Checked.PHONED: _l("打过登记的电话核实"),
}

# How the clerk knows that the household itself gives the authority.
SEEN = {
    Seen.PRESENT: _l("委托户的人到场，看过证件"),
    Seen.PHONED: _l("打委托户登记的电话核实过"),
    Seen.VISITED: _l("上门见过委托户的人"),
}


def _proxy(error: RuleBroken) -> str:
    return {
        "proxy.not_open": _("这项投票没有在进行，不能登记委托书。没有保存。"),
        "proxy.to_itself": _("受托的就是这一户自己，不用委托。没有保存。请直接投票。"),
        "proxy.no_holder": _(
            "请写受托人：住本社区的写哪一户，不住本社区的写姓名，只写一种。没有保存。"
        ),
        "proxy.no_such_household": _(
            "底册里没有找到受托的这一户，或者不止一户。没有保存。请照住户页上的写法再写一次。"
        ),
        "proxy.no_sheet": _("请写委托书的编号，或者原件存在哪里。没有保存。"),
        "proxy.until": _("委托书写的期限已经过了，不能登记。没有保存。"),
        "proxy.not_in_electorate": _("这次投票开放时，委托的这一户不在参加名单里。没有保存。"),
        "proxy.given_before": _(
            "这一户在这项投票里已经有一份委托书。没有保存。要换人，请先收回原来的那一份。"
        ),
        "proxy.sheet_used": _(
            "这个编号的委托书已经登记过。没有保存。请核对编号；一张委托书只用一次。"
        ),
        "proxy.three_already": _(
            "这位受托人在这项投票里已经受三户委托，不能再多。没有保存。请委托户另找一位。"
        ),
        "proxy.over": _("这份委托书已经收回、到期，或者委托户搬走了，不能再用。没有保存。"),
        "proxy.cast_already": _(
            "持委托书的人已经投了票，不能再收回。什么都没有改动。不同意那一票的，请在截止以前到社区服务台。"
        ),
    }[error.code]


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
web.explain("proxy", _proxy)
