"""Bodies, what somebody acts for, and what is refused, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _

from app.bodies.rules import Kind
from app.core import web

if TYPE_CHECKING:
    from app.core.errors import RuleBroken


def kind_name(kind: Kind | str) -> str:
    """A sort of body as the community calls it."""
    return {
        Kind.PARTY_BRANCH: _("社区党组织"),
        Kind.RESIDENTS_COMMITTEE: _("居民委员会"),
        Kind.SUPERVISION: _("居务监督委员会"),
        Kind.OWNERS_COMMITTEE: _("业主委员会"),
        Kind.PROPERTY_COMMITTEE: _("物业管理委员会"),
        Kind.PROPERTY_COMPANY: _("物业服务企业"),
        Kind.DESIGN_PRACTICE: _("设计单位"),
        Kind.RESIDENT_ORGANISATION: _("驻社区单位"),
        Kind.AGENCY: _("政府部门"),
        Kind.CONTRACTOR: _("施工单位"),
    }[Kind(kind)]


def kind_work(kind: Kind | str) -> str:
    """What such a body has to do with what is talked over, in one sentence."""
    return {
        Kind.PARTY_BRANCH: _("重要的事先研究，再交给大家商量。"),
        Kind.RESIDENTS_COMMITTEE: _("召集商量，把商量好的办下去。"),
        Kind.SUPERVISION: _("监督居委会办事，听申诉。"),
        Kind.OWNERS_COMMITTEE: _("业主大会选的，办业主共同决定的事。"),
        Kind.PROPERTY_COMMITTEE: _("还没有业主委员会时，临时代它办事。"),
        Kind.PROPERTY_COMPANY: _("管小区的保洁、保安、维修。"),
        Kind.DESIGN_PRACTICE: _("给项目出方案，回应大家的意见。"),
        Kind.RESIDENT_ORGANISATION: _("在社区里的学校、医院、商户等单位。"),
        Kind.AGENCY: _("街道和各局，管得着的事来说明、来办。"),
        Kind.CONTRACTOR: _("承担项目施工。"),
    }[Kind(kind)]


def named(name: str, kind: Kind | str) -> str:
    """A body by name, and what it is where the name does not say so."""
    sort = kind_name(kind)
    return name if sort in name else _("%(name)s（%(kind)s）", name=name, kind=sort)


def _broken(error: RuleBroken) -> str:
    most = error.facts.get("most", "")
    return {
        "no_name": _("请写单位的名称。还没有保存。"),
        "name_too_long": _("名称太长了，没有保存。最多 %(most)s 个字。", most=most),
        "contact_too_long": _("联系方式太长了，没有保存。最多 %(most)s 个字。", most=most),
        "private_number": _("里面像是有身份证号，没有保存。这一页谁都看得到，请删掉再交。"),
        "since": _("开始参加的日子还没有到，没有保存。请写今天或者以前的日子。"),
        "twice": _("名册里已经有这个名称，没有再加一个。请回到名册看一看。"),
        "same": _("和原来一样，没有改动。"),
        "kind_in_use": _("现在有人代表它，不能改成别的单位，没有保存。请先结束代表，再改。"),
        "closed": _("这个单位已经不参加了，没有保存。"),
        "no_word": _("请写一句，让人知道为什么。还没有改动。"),
        "no_ground": _("请写单位是怎么定的，比如哪天来的函。还没有保存。"),
        "self": _("不能让自己代表，没有保存，这次尝试已记入安全日志。请由别人来办。"),
        "not_yours": _("您现在的角色不能办这一步，没有改动，这次尝试已记入安全日志。"),
        "not_of_it": _("代表这个单位的，要是它自己的人。没有保存。请先按“谁在做什么”给他角色。"),
        "past": _("到期的日子已经过了，没有保存。请改成以后的日子。"),
        "too_long": _("最长一年，没有保存。请改早一些，到期了由单位重新定。"),
        "past_own_end": _("到期的日子比您自己的角色还晚，没有保存，这次尝试已记入安全日志。"),
        "no_person": _("请选一位在本社区任职或者住在本社区的人。没有保存。"),
        "no_scope": _("代表它办什么没有选对，或者那件事已经结束，没有保存。请重新选。"),
        "acts_already": _("这个人现在就代表它办这件事，没有再加一次。"),
        "none": _("您没有代表这个单位，没有保存，这次尝试已记入安全日志。"),
        "ended": _("您代表这个单位的日子已经到了，没有保存，这次尝试已记入安全日志。"),
        "scope": _("您代表这个单位，但不是在这件事上。没有保存，这次尝试已记入安全日志。"),
        "only_for_it": _("您在这里只能以单位的名义说，没有保存。请选一个单位。"),
    }[error.code.partition(".")[2]]


web.explain("body", _broken)
