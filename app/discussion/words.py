"""Words for what people wrote and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.bodies.words import named
from app.core import web
from app.core.actor import Role
from app.core.errors import RuleBroken
from app.core.times import time_text
from app.discussion.rules import AUTHOR_LEFT, Disposition, PostState, Reason
from app.people.models import PersonNoticeKind

if TYPE_CHECKING:
    from app.discussion.queries import PostView

STATES = {
    PostState.SUBMITTED: ("wait", _l("等待审核")),
    PostState.PUBLISHED: ("go", _l("已公布")),
    PostState.RETURNED: ("stop", _l("已退回")),
    PostState.HIDDEN: ("stop", _l("已隐藏")),
}
REASONS = {
    Reason.PERSONAL_DATA: _l("写了别人的姓名、电话或门牌"),
    Reason.INSULT: _l("有辱骂或人身攻击"),
    Reason.OFF_TOPIC: _l("和这件事无关"),
    Reason.UNLAWFUL: _l("含有违法内容"),
    Reason.DUPLICATE: _l("和已有的意见重复"),
    Reason.UNCLEAR: _l("看不明白，请再写清楚一点"),
}
DISPOSITIONS = {
    Disposition.ADOPTED: ("go", _l("采纳")),
    Disposition.PARTLY: ("info", _l("部分采纳")),
    Disposition.NOT_ADOPTED: ("stop", _l("不采纳")),
}
ROLES = {
    "resident": _l("居民"),
    Role.CLERK.value: _l("居委会"),
    Role.COMMITTEE.value: _l("居委会"),
    Role.COMMITTEE_CHAIR.value: _l("居委会"),
    Role.SUPERVISOR.value: _l("居务监督委员会"),
    Role.DESIGNER.value: _l("设计师"),
    Role.BODY.value: _l("单位代表"),
}


def role_name(role: str) -> str:
    """In what capacity somebody writes; never a name."""
    return str(ROLES.get(role, role))


def writer(post: PostView) -> str:
    """In whose name something is said: a body's by its name, else a capacity; never a person."""
    return named(post.body, post.body_kind) if post.body else role_name(post.role)


def state_badge(state: PostState) -> tuple[str, str]:
    """Kind and words of the badge."""
    kind, text = STATES[state]
    return kind, str(text)


def disposition_badge(disposition: str) -> tuple[str, str]:
    """Kind and words of what became of an opinion; waiting while nothing has."""
    if not disposition:
        return "wait", _("待答复")
    kind, text = DISPOSITIONS[Disposition(disposition)]
    return kind, str(text)


def reason_text(reason: str) -> str:
    """Why something was returned or hidden; empty when it was not."""
    if reason == AUTHOR_LEFT:
        return _("写的人删除了自己的资料，一并撤下")
    return str(REASONS[Reason(reason)]) if reason else ""


def earlier_text(disposition: str, why: str, at: datetime) -> str:
    """A disposition that no longer holds: 5月20日（周三）10:03 是不采纳：……."""
    return _(
        "%(at)s 说的是%(disposition)s：%(why)s",
        at=time_text(at),
        disposition=disposition_badge(disposition)[1],
        why=why,
    )


def news(kind: PersonNoticeKind, detail: str, *, may_appeal: bool) -> str:
    """What an author is told in the inbox; empty where the kind says all there is."""
    if kind is PersonNoticeKind.POST_DISPOSED and detail:
        return _("您的意见有了处理结果：%(result)s", result=disposition_badge(detail)[1])
    if kind is PersonNoticeKind.POST_ANSWERED and detail:
        return _("%(who)s回应了您的意见", who=role_name(detail))
    if kind is PersonNoticeKind.APPEAL_ANSWERED:
        return _("您的申诉有了答复：维持原来的处理")
    if kind is PersonNoticeKind.POST_PUBLISHED and detail == "appealed":
        return _("您的申诉成立，意见重新公布了")
    if kind in {PersonNoticeKind.POST_RETURNED, PersonNoticeKind.POST_HIDDEN}:
        return _refused_news(kind, detail, may_appeal=may_appeal)
    return ""


def _refused_news(kind: PersonNoticeKind, reason: str, *, may_appeal: bool) -> str:
    said = (
        _("您的意见被隐藏了")
        if kind is PersonNoticeKind.POST_HIDDEN
        else _("您的意见退回来了，可以改了再交")
    )
    line = (
        _("%(said)s，理由：%(reason)s", said=said, reason=reason_text(reason)) if reason else said
    )
    return _("%(line)s。觉得不该这样，可以申诉", line=line) if may_appeal else line


def _broken(error: RuleBroken) -> str:
    most = error.facts.get("most", "")
    sentences = {
        "post.empty": _("还没有写内容，没有保存。请写上您的意见再提交。"),
        "post.too_long": _("写得太长了，没有保存。最多 %(most)s 个字，请删短一些。", most=most),
        "post.closed": _("这件事现在不收意见了，没有保存。"),
        "post.no_reason": _("请选一个理由。什么都没有改动。"),
        "post.note_too_long": _("说明太长了，最多 %(most)s 个字。什么都没有改动。", most=most),
        "post.no_disposition": _("请选采纳、部分采纳或不采纳。什么都没有改动。"),
        "post.why_missing": _("请写上理由。什么都没有改动。"),
        "post.nothing_to_cover": _("文中没有这几个字，没有公布。请照原文填写要遮住的字。"),
        "post.fixed": _("结果已经公示，处理意见不能再改。什么都没有改动。"),
        "post.not_yours": _("这一条由居委会回应，设计师回应设计方案下面的意见。没有保存。"),
        "post.own": _("这一条是您自己写的，要由另一位工作人员来办。什么都没有改动。"),
        "post.overruled": _(
            "您上次的处理已经被申诉推翻，不能由您再隐藏。什么都没有改动。"
            "确实不妥的，请另一位工作人员来看。"
        ),
        "post.appealed_before": _("这一条已经申诉过一次，不能再申诉。"),
        "post.wrong_state": _("这一条已经有人办过了，什么都没有改动。请回到列表看一看。"),
    }
    return sentences[error.code]


web.explain("post", _broken)
