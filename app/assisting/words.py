"""What the desk is told while it acts for somebody present."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.assisting.rules import Asked, Checked, LookFor, Outcome, PartOfDay, VisitPurpose
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

ASKED = {
    Asked.DESK: _l("到服务台说的"),
    Asked.PHONE: _l("打电话说的"),
}
LOOK_FOR = {
    LookFor.PAPER: _l("给还没投的户送纸质材料"),
    LookFor.REMIND: _l("快截止了，上门提醒"),
    LookFor.UNDELIVERED: _l("核对信和材料有没有送到"),
}
VISIT_FOR = {
    VisitPurpose.VOTE: _l("帮忙投票"),
    VisitPurpose.PAPER: _l("送纸质材料"),
    VisitPurpose.ENTER: _l("帮忙用手机进来"),
    VisitPurpose.EXPLAIN: _l("讲一讲是什么事"),
}
PARTS_OF_DAY = {
    PartOfDay.ANY: _l("什么时候都行"),
    PartOfDay.MORNING: _l("上午"),
    PartOfDay.AFTERNOON: _l("下午"),
    PartOfDay.EVENING: _l("晚上"),
}
OUTCOMES = {
    Outcome.ASSISTED: _l("当场帮着办了"),
    Outcome.HANDED: _l("材料交到本人手里"),
    Outcome.TAKEN: _l("带回了本人填好、封好的纸"),
    Outcome.NOBODY: _l("没有人在家"),
    Outcome.UNWANTED: _l("住户说不用来了"),
}


def _visit(error: RuleBroken) -> str:
    return {
        "visit.one_alone": _("上门要两个人一起去，请选两位不同的人。没有保存。"),
        "visit.in_the_past": _("上门的时间已经过去了，请改一个以后的时间。没有保存。"),
        "visit.too_far": _("上门最远约到 60 天以后。没有保存，请改一个近一些的时间。"),
        "visit.not_of_ours": _("选的人现在不在本社区工作。没有保存，请重新选。"),
        "visit.not_planned": _("还没有约时间和两个人，不能记结果。没有保存，请先约好。"),
        "visit.over": _("这一次上门已经办完或者取消了。什么都没有改动。"),
    }[error.code]


def _turnout(_error: RuleBroken) -> str:
    return _("这项投票没有在进行，不能看没有投票的住户名单。什么都没有显示，也没有记入。")


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
        "proxy.three_by_name": _(
            "这位受托人按姓名和按住户合起来，在这项投票里已经受三户委托，不能再多。没有保存。"
            "确实不是同一个人的，请在姓名后面写明怎么区分，比如“王芳（住南京）”。"
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
web.explain("visit", _visit)
web.explain("turnout", _turnout)
