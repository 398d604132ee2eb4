"""Roles as a community calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _

from app.core.actor import Role
from app.core.times import end_text

if TYPE_CHECKING:
    from app.people.last_roles import LastRole


def role_name(role: Role | str) -> str:
    """A role as the community calls it."""
    return {
        Role.RESIDENT: _("居民"),
        Role.CLERK: _("社区工作人员"),
        Role.COMMITTEE: _("居委会委员"),
        Role.COMMITTEE_CHAIR: _("居委会主任"),
        Role.SUPERVISOR: _("居务监督委员"),
        Role.DESIGNER: _("设计师"),
        Role.OWNER: _("业主"),
        Role.REPRESENTATIVE: _("居民代表"),
        Role.MEETING_CHAIR: _("会议主持人"),
        Role.MEETING_RECORDER: _("会议记录人"),
        Role.BODY: _("单位代表"),
        Role.SUBDISTRICT: _("街道工作人员"),
        Role.DISTRICT: _("区县工作人员"),
        Role.CITY: _("市级工作人员"),
        Role.ADMINISTRATOR: _("系统管理员"),
        Role.SYSTEM: _("系统"),
    }[Role(role)]


def role_work(role: Role | str) -> str:
    """What somebody in a role does here, in one sentence."""
    return {
        Role.CLERK: _("导户底册、印信、给住户办事、公布结果，平时用得最多。"),
        Role.COMMITTEE: _(
            "登记项目、起草和开放投票，确认会议纪要。和工作人员分开，是为了有两个人。"
        ),
        Role.COMMITTEE_CHAIR: _("委员能办的都能办；工作人员、居民代表等由他来同意。"),
        Role.SUPERVISOR: _("看过程、听申诉、导出记录核对。不经手投票。"),
        Role.DESIGNER: _("给项目出方案，回应居民意见。"),
        Role.REPRESENTATIVE: _("一组住户推选的，参加居民代表会议，可以确认会议纪要。"),
        Role.MEETING_CHAIR: _("只管一个会：签到、散会、确认纪要。纪要确认以后自动结束。"),
        Role.MEETING_RECORDER: _("只管一个会：签到、写纪要。纪要确认以后自动结束。"),
    }[Role(role)]


def role_over(last: LastRole, *, sent: bool) -> str:
    """That somebody's last role has ended and they are out, and whom to ask about it.

    `sent` says that they were about to have something saved.
    """
    known = {"role": role_name(last.role), "end": end_text(last.ended_at)}
    if last.above and sent:
        return _(
            "您的角色（%(role)s）到%(end)s结束了，已经退出，刚才交的没有保存。"
            "还要接着做的，请找系统管理员。",
            **known,
        )
    if last.above:
        return _(
            "您的角色（%(role)s）到%(end)s结束了，已经退出。还要接着做的，请找系统管理员。", **known
        )
    if sent:
        return _(
            "您的角色（%(role)s）到%(end)s结束了，已经退出，刚才交的没有保存。"
            "还要接着做的，请居委会再提一次。",
            **known,
        )
    return _(
        "您的角色（%(role)s）到%(end)s结束了，已经退出。还要接着做的，请居委会再提一次。", **known
    )
