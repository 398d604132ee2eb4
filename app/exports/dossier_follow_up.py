"""What became of an opinion after it was decided: reports, ratings, repairs, and what they lack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _

from app.consultations.rules import State
from app.core.times import full_end_text, full_time_text
from app.projects.rules import Stage, stage_index

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from app.consultations.queries import TopicView
    from app.exports.dossier_facts import Led
    from app.ratings.queries import Repair


def unreported(topic: TopicView, now: datetime) -> Iterator[str]:
    """Name work that nobody has reported since it was begun, and since when it is late."""
    acts = [move.to for move in topic.moves if move.to in {State.IMPLEMENTING, State.REPORTED}]
    if not acts or acts[-1] is State.REPORTED:
        return
    due = topic.line.task_due
    if due is not None and due < now:
        yield _("缺：应当在%(due)s前办完，已经逾期，还没有公开落实情况。", due=full_end_text(due))
    else:
        yield _("缺：还没有公开落实情况。")


def built(led: Led) -> Iterator[str]:
    """A project with its ratings in one line, then its repairs."""
    yield _rated(led)
    for repair in led.repairs:
        yield _repair(repair)


def unfinished(led: Led) -> Iterator[str]:
    """Name a finished project that has no rating yet, and repairs that are late."""
    code, finished = led.project.code, stage_index(led.project.stage) >= stage_index(Stage.MANAGE)
    if finished and not any(one.questions for one in led.rounds):
        yield _("缺：项目 %(code)s 已经建成，还没有居民评价的结果。", code=code)
    for repair in led.repairs:
        if repair.overdue:
            yield _("缺：项目 %(code)s 的返修“%(what)s”逾期没有办完。", code=code, what=repair.what)


def _rated(led: Led) -> str:
    said = "；".join(
        _(
            "第 %(n)s 次评价，请了 %(invited)s 户，%(raters)s 户参加，%(what)s",
            n=one.number,
            invited=one.invited_text,
            raters=f"{one.raters:,}",
            what=one.overall_text,
        )
        for one in led.rounds
        if one.questions
    )
    title = _("项目 %(code)s %(title)s", code=led.project.code, title=led.project.title)
    return f"{title}：{said}" if said else title


def _repair(repair: Repair) -> str:
    return _(
        "返修：%(what)s（“%(question)s”分数偏低）。%(owner)s负责，%(due)s前办完，%(done)s",
        what=repair.what,
        question=repair.question,
        owner=repair.owner,
        due=full_end_text(repair.due),
        done=_done(repair),
    )


def _done(repair: Repair) -> str:
    if repair.done_at is not None:
        at = full_time_text(repair.done_at)
        return _("%(at)s已经办完：%(note)s", at=at, note=repair.done_note)
    return _("已经逾期，还没有办完。") if repair.overdue else _("还没有办完。")
