"""The guided start in plain sentences."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _

from app.core.actor import Actor, Role
from app.core.times import full_end_text
from app.core.words import listed
from app.people.role_words import role_name, role_work
from app.policy.roles import approvers
from app.policy.table import Permission, Place, allowed
from app.roles import queries as roles
from app.starting.rules import STEPS, Exists, Step, Task, number, tasks_done


def step_text(step: Step) -> str:
    """Where one is: 第 2 步，共 5 步."""
    return _("第 %(number)s 步，共 %(all)s 步", number=number(step), all=len(STEPS))


__all__ = ["TaskLine", "checklist", "role_name", "role_work", "step_text", "waits"]


@dataclass(frozen=True, slots=True)
class TaskLine:
    """One line of the desk's first checklist; without an address it is somebody else's to do."""

    title: str
    text: str
    done: bool
    current: bool
    action: str
    url: str
    who: str


# Whoever wants to know more finds everybody on the page of roles.
NAMED = 3


def waits(place: Place, role: Role, proposer_id: int) -> str:
    """When an account that is opened where the committee works comes to life, and by whom."""
    found = roles.deciders(place, role, proposer_id)
    if not found:
        needed = listed(role_name(one) for one in Role if one in approvers(role, opens=True))
        return _("要另一个人同意才生效，现在还没有这样的人。请先有：%(roles)s。", roles=needed)
    who = [_("%(role)s %(name)s", role=role_name(one), name=name) for one, name in found[:NAMED]]
    return _("要另一个人同意才生效，同意以前登录不了。能同意的：%(who)s。", who=listed(who))


def until_when(place: Place, role: Role, proposer_id: int) -> str:
    """Until when a role lasts that is proposed with an account, where no day is typed."""
    day = full_end_text(roles.latest_end(place, role, proposer_id))
    return _("那一天过完自动停用。不写就到 %(day)s；写得更晚，任期短的人就不能同意了。", day=day)


def checklist(there: Exists, actor: Actor, code: str, community_id: int) -> list[TaskLine]:
    """The first tasks of a community as this person meets them; empty when all are done."""
    done = tasks_done(there)
    if all(done.values()):
        return []
    place = Place(community_id)
    current = next(task for task in Task if not done[task])
    return [
        _line(task, code, done=done[task], current=task is current, may=_may(actor, task, place))
        for task in Task
    ]


def _may(actor: Actor, task: Task, place: Place) -> bool:
    needed = {
        Task.ROLL: Permission.ROLL_IMPORT,
        Task.LOOK: Permission.ROLL_IMPORT,
        Task.LETTERS: Permission.LETTERS_PRINT,
        Task.PROJECT: Permission.PROJECT_EDIT,
        Task.POLL: Permission.POLL_DRAFT,
    }
    return allowed(actor, needed[task], place)


def _line(task: Task, code: str, *, done: bool, current: bool, may: bool) -> TaskLine:
    title, text, action, endpoint = {
        Task.ROLL: (
            _("导入户底册"),
            _("有了户底册，才能给每一户发信、投票。Excel 或 CSV 都行。"),
            _("导入户底册"),
            "communities.roll",
        ),
        Task.LOOK: (
            _("看一遍住户"),
            _("对一对各楼的户数，没问题就点“户数对”。"),
            _("看各楼户数"),
            "communities.roll",
        ),
        Task.LETTERS: (
            _("给每一户印信"),
            _("信上有本户的编码和二维码，住户凭信进来。印好后装信封，逐户送到。"),
            _("印信"),
            "exports.letters",
        ),
        Task.PROJECT: (
            _("登记第一个项目"),
            _("想问大家要不要建的，先写进台账：花多少、谁来管。"),
            _("登记项目"),
            "projects.new",
        ),
        Task.POLL: (
            _("开放第一次投票"),
            _("从台账里挑项目起草，先预览，再开放。"),
            _("起草投票"),
            "voting.draft_choose",
        ),
    }[task]
    who = _("社区工作人员") if task is Task.LETTERS else _("社区工作人员或居委会委员")
    return TaskLine(
        title=title,
        text=text,
        done=done,
        current=current,
        action=action,
        url=url_for(endpoint, code=code) if may and not done else "",
        who="" if may or done else _("由%(who)s办。", who=who),
    )
