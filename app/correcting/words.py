"""Corrections in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import web
from app.correcting.rules import MOST_OF_ONE, MOST_WAITING, State, What

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.core.errors import RuleBroken

WHAT = {
    What.PHONE: _l("登记的电话"),
    What.HEAD: _l("户主的姓名"),
    What.OWNER: _l("房主（产权人）的姓名"),
    What.AREA: _l("房子的面积"),
    What.OTHER: _l("别的"),
}


def what_text(what: What) -> str:
    """What of the roll is wrong, in words."""
    return str(WHAT[what])


def fields_text(fields: Iterable[str]) -> str:
    """The fields that were put right, in words."""
    names = {
        "phones": _("电话"),
        "owner_name": _("房主的姓名"),
        "household_head": _("户主的姓名"),
        "area_registered_c": _("面积"),
    }
    return "、".join(names[field] for field in fields)


def state_badge(state: State) -> tuple[str, str]:
    """A request's state as a badge."""
    return {
        State.WAITING: ("wait", _("等服务台核实")),
        State.CORRECTED: ("go", _("已更正")),
        State.ANSWERED: ("info", _("服务台答复了")),
    }[state]


def _correction(error: RuleBroken) -> str:
    return {
        "correction.no_text": _("请写一句哪里不对、对的是什么。还没有提交。"),
        "correction.too_long": _("太长了，请不超过 300 个字。还没有提交。"),
        "correction.enough_waiting": _(
            "本户已经有 %(most)s 条在等服务台核实，这一条没有提交。请等答复，着急请打服务台电话。",
            most=MOST_WAITING,
        ),
        "correction.enough_lately": _(
            "您这 30 天已经提过 %(most)s 条，这一条没有提交。请打服务台电话，或者到服务台说。",
            most=MOST_OF_ONE,
        ),
        "correction.answered_already": _("这一条已经办过了，这次什么都没有改动。"),
        "correction.no_answer": _("请写一句为什么不改，住户好明白。还没有答复。"),
    }[error.code]


def _row(error: RuleBroken) -> str:
    return {
        "row.nothing": _("一项都没有填，底册没有改动。只填要改的那一项。"),
        "row.phone": _("电话写得不对，底册没有改动。只写数字，几个电话用顿号隔开。"),
        "row.area": _("面积写得不对，底册没有改动。比如 56.30。"),
        "row.too_long": _("写得太长，底册没有改动。请写短一些。"),
        "row.same": _("底册上本来就是这样，没有改动。请核对是不是别的一项不对。"),
        "row.own_household": _("这是您自己家，请另一位工作人员来改。底册没有改动。"),
        "row.no_owner": _("请写新房主的姓名。什么都没有改动。"),
    }[error.code]


web.explain("correction", _correction)
web.explain("row", _row)
