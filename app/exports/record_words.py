"""What an entry of the record says, in words: for papers that people read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _

from app.communities import setting_words as settings
from app.communities.setting_rules import CATALOGUE, Sort
from app.consultations.rules import State
from app.consultations.words import state_badge
from app.core.actor import Role
from app.discussion.words import disposition_badge
from app.people.role_words import role_name

if TYPE_CHECKING:
    from app.exports.queries import EntryAbout, EntryLine


# These say more than their name: where a topic went, what became of an opinion, how many came.
SPOKEN: dict[str, Callable[[dict[str, Any]], str]] = {
    "topic.moved": lambda data: _("议题转为“%(state)s”", state=state_badge(State(data["to"]))[1]),
    "topic.linked": lambda data: _("议题关联到项目 %(project)s", project=data["project"]),
    "opinion.disposed": lambda data: _(
        "答复一条意见：%(what)s", what=disposition_badge(data["disposition"])[1]
    ),
    "meeting.closed": lambda data: _("会议结束，到场 %(number)s 人", number=data["present"]),
}


def _setting(data: dict[str, Any]) -> str:
    """What a setting was and is; a name, phone or number is not in the entry."""
    key = str(data["key"])
    if not data["to"]:
        return _("设置“%(what)s”：恢复为上级的值", what=settings.label(key))
    if CATALOGUE[key].sort is Sort.TEXT:
        return _("设置“%(what)s”：改写", what=settings.label(key))
    return _(
        "设置“%(what)s”：改为%(to)s",
        what=settings.label(key),
        to=settings.value_text(key, str(data["to"])),
    )


SPOKEN["setting.changed"] = _setting
SPOKEN |= {
    "role.given": lambda data: _("同意给角色：%(role)s", role=role_name(data["role"])),
    "role.refused": lambda data: _("没有同意给角色：%(role)s", role=role_name(data["role"])),
    "role.ended": lambda data: (
        _("辞去角色：%(role)s", role=role_name(data["role"]))
        if data["by_holder"]
        else _("结束角色：%(role)s", role=role_name(data["role"]))
    ),
    "stand_in.named": lambda data: _("指定代核人：%(role)s", role=role_name(data["as_role"])),
}


def actor_text(role: str) -> str:
    """In what capacity an act was done."""
    if role == "voter":
        return role_name(Role.RESIDENT)
    return role_name(role) if role in set(Role) else role


def act_text(entry: EntryAbout | EntryLine) -> str:
    """One act in a few words; what the words do not know is called a further entry."""
    if entry.kind in SPOKEN:
        return SPOKEN[entry.kind](entry.data)
    return plain_words().get(entry.kind, _("其他登记"))


def plain_words() -> dict[str, str]:
    """The kinds whose name alone says everything."""
    return {
        "topic.proposed": _("提出议题"),
        "topic.opinion": _("协商意见开始公示"),
        "topic.corrected": _("发布更正"),
        "meeting.announced": _("发布会议公告"),
        "meeting.opened": _("会议开始"),
        "meeting.postponed": _("会议延期"),
        "meeting.adjourned": _("会议中止"),
        "meeting.inquorate": _("会议结束，人数不够，不作为协商结果"),
        "topic.covered": _("遮住议题里的字句或照片"),
        "topic.voted": _("登记表决结果"),
        "minutes.written": _("写会议纪要"),
        "minutes.confirmed": _("第二人确认会议纪要"),
        "topic.lifted": _("社区提上来一个议题"),
        "lift.returned": _("把议题退回社区"),
        "shared.opened": _("接下议题，和几个社区一起商量"),
        "shared.post_published": _("公布一条意见"),
        "shared.post_published_for": _("公布一条以单位名义写的意见"),
        "shared.post_returned": _("退回一条意见"),
        "shared.post_hidden": _("隐藏一条意见"),
        "shared.appeal_answered": _("答复一次申诉"),
        "shared.disposed": _("答复一条意见"),
        "shared.outcome": _("公布协商结果"),
        "post.published": _("公布一条意见"),
        "post.published_for": _("公布一条以单位名义说的意见"),
        "party.called": _("再请一个单位到会"),
        "party.answered": _("单位答复来不来开会"),
        "party.seen": _("记下各方到没到会"),
        "body.listed": _("一个单位开始参加"),
        "body.changed": _("更正参加的单位"),
        "body.closed": _("一个单位不再参加"),
        "body.acting_given": _("有人开始代表一个单位"),
        "body.acting_ended": _("有人不再代表一个单位"),
        "post.returned": _("退回一条意见"),
        "post.hidden": _("隐藏一条意见"),
        "appeal.answered": _("答复一次申诉"),
        "post.answered": _("回应一条意见"),
        "repair.opened": _("安排返修"),
        "repair.done": _("返修办完"),
        "poll.opened": _("投票开放"),
        "turnout.looked": _("为送材料查看还没有投票的住户名单"),
        "poll.closed": _("投票截止并计票"),
        "result.published": _("投票结果公示"),
        "result.final": _("投票结果公示期满"),
    }
