"""Roles, proposals and what is refused, in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _

from app.core import web
from app.core.actor import Role
from app.core.errors import RuleBroken
from app.core.times import end_text
from app.core.words import listed
from app.people.role_words import role_name
from app.policy.roles import TERMS

if TYPE_CHECKING:
    from datetime import datetime


def roles_listed(roles: frozenset[Role]) -> list[str]:
    """Names of roles, in the order people know them."""
    return [role_name(role) for role in Role if role in roles]


def way(role: Role) -> str:
    """Who gives a role, in one sentence."""
    terms = TERMS[role]
    who = {
        "proposers": listed(roles_listed(terms.proposed_by)),
        "approvers": listed(roles_listed(terms.approved_by)),
    }
    if terms.second:
        return _(
            "提名：%(proposers)s。同意：%(approvers)s，都没有的由指定的代核人。",
            **who,
        )
    return _("提名：%(proposers)s。同意：%(approvers)s。", **who)


def why_not(problem: str) -> str:
    """Why the reader cannot decide, on the page of a proposal; empty when it needs no word."""
    return {
        "own_proposal": _("这是您提的，要由另一个人来定。"),
        "self": _("这是给您的，要由别人来定。"),
        "second_there": _("社区里还有别的人可以同意，代核人这次不用出面。"),
        "lapsed": _("这份提名超过 30 天没有人定，已经作废。还要的话请重新提名。"),
        "decided": _("已经定过了。"),
    }.get(problem, _("您的角色不能定这一份。"))


def too_late(latest: datetime | None, ends_at: datetime) -> str:
    """Why the reader cannot agree, and until when they could; empty when they can."""
    if latest is None or ends_at <= latest:
        return ""
    return _(
        "您自己的角色到%(end)s为止，您同意的最晚只能到那时候，所以这一份您不能同意。"
        "请选“不同意”，让提名的人把日子改早再提一次。",
        end=end_text(latest),
    )


def _broken(error: RuleBroken) -> str:
    return {
        "self": _("不能给自己角色，没有保存，这次尝试已记入安全日志。请由别人提名或者确认。"),
        "beyond": _("您现在的角色不能提名这个角色，没有保存，这次尝试已记入安全日志。"),
        "not_yours": _("您现在的角色不能办这一步，没有改动，这次尝试已记入安全日志。"),
        "own_proposal": _("这是您自己提的，要由另一个人来定，没有改动。"),
        "second_there": _("社区里还有别的人可以同意，代核人不能代替，没有改动。"),
        "past": _("到期的日子已经过了，没有保存。请改成以后的日子。"),
        "too_long": _("时间太长了，没有保存。请改早一些。"),
        "past_own_end": _("到期的日子比您自己的角色还晚，没有保存，这次尝试已记入安全日志。"),
        "past_decider_end": _(
            "到期的日子比您自己的角色还晚，没有同意，什么都没有改动，这次尝试已记入安全日志。"
        ),
        "scope": _("这个角色管什么没有选对，没有保存。请重新选。"),
        "group": _("请至少选一栋楼。还没有保存。"),
        "group_small": _("这几栋楼的户数不够再加一位居民代表：每位代表至少 20 户。没有保存。"),
        "meeting_over": _("这个会已经结束或者延期了，没有保存。"),
        "held": _("这个人现在就有这个角色，没有再给。"),
        "apart": _("居务监督委员不能同时在居委会任职或者做设计师，没有保存。"),
        "both": _("同一个会的主持和记录要是两个人，没有保存。"),
        "twice": _("这个人的同一份提名还在等人定，没有再提一次。"),
        "no_reason": _("请写一句理由。还没有保存。"),
        "no_word": _("请写一句，让人知道为什么。还没有保存。"),
        "no_account": _("这个角色要用密码和动态码登录，先请系统管理员建账号。没有保存。"),
        "no_resident": _("居民代表要是住在本社区、已经用信进来的人。没有保存。"),
        "no_person": _("请选一位在本社区任职或者住在本社区的人。没有保存。"),
        "decided": _("刚才已经有人定过了，没有再改。请刷新看一看。"),
        "lapsed": _("这份提名超过 30 天没有人定，已经作废，没有改动。请重新提名。"),
        "stand_in_role": _("代核人要是居务监督委员或者街道、区里的人，不能是居委会的。没有保存。"),
    }[error.code.partition(".")[2]]


web.explain("role", _broken)
