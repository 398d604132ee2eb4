"""Lifted and shared topics in plain sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _

from app.bodies.words import named
from app.core import web
from app.core.times import end_text
from app.sharing.rules import SharedState

if TYPE_CHECKING:
    from app.core.errors import RuleBroken
    from app.sharing.queries import OpinionView, SharedLine, SharedView


def badge(one: SharedLine | SharedView) -> tuple[str, str]:
    """Kind and words of a shared topic's badge."""
    if one.state is SharedState.OPEN:
        return "info", _("正在收意见")
    return "go", _("已公布结果")


def until_text(one: SharedView) -> str:
    """When the publication of the outcome ends; empty before."""
    return end_text(one.publication_until) if one.publication_until else ""


def writer(one: OpinionView) -> str:
    """In whose name it is said: a body's, with its community, else a resident; never a person.

    A community is named beside its body alone: of residents nobody reads from where they are.
    """
    if not one.body:
        return _("居民")
    name = named(one.body, one.body_kind)
    return _("%(community)s：%(body)s", community=one.community, body=name)


def _refused(error: RuleBroken) -> str:
    facts = error.facts
    return {
        "shared.no_subdistrict": _("本社区上面没有设街道，提不上去。什么都没有改动。"),
        "shared.decided_before": _("这个议题已经有人办过了，什么都没有改动。请回到列表看一看。"),
        "shared.outside": _("选的社区里有不归这里管的。什么都没有保存，请重新选。"),
        "shared.origin_missing": _("提上来的社区都要一起商量。什么都没有保存，请把它选上。"),
        "shared.empty": _("还有一处没有写。什么都没有保存，请写上再提交。"),
        "shared.too_long": _(
            "写得太长了，最多 %(most)s 个字。什么都没有保存，请删短一些。",
            most=facts.get("most", ""),
        ),
        "shared.closed": _("结果已经公布，不再收意见，也不能再改。这次没有保存。"),
        "shared.unmoderated": _(
            "还有 %(number)s 条意见没有审核，现在不能公布。什么都没有改动。",
            number=facts.get("number", ""),
        ),
        "shared.brought_back": _("这一条经上一级复核，已经重新公布，不能再隐藏。什么都没有改动。"),
        "shared.no_higher": _("这里上面没有区县，没有人可以复核。请打页面底部的电话说。没有提交。"),
        "shared.appeals_open": _(
            "还有 %(number)s 条申诉等上一级答复，现在不能公布。什么都没有改动。",
            number=facts.get("number", ""),
        ),
        "shared.undisposed": _(
            "还有 %(number)s 条意见没有答复，现在不能公布。什么都没有改动。",
            number=facts.get("number", ""),
        ),
    }[error.code]


web.explain("shared", _refused)
