"""The chain of a project from a need to its rating, read from the edges that rooms have drawn."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, url_for
from flask_babel import gettext as _

from app.consultations import queries as topics
from app.core import links
from app.core.words import yuan
from app.designs import queries as designs
from app.projects import queries as projects
from app.projects.rules import Stage, stage_index
from app.projects.steps import ChainLink, register_chain
from app.ratings import queries as ratings
from app.voting import queries as voting
from app.voting.rules import Phase


@register_chain
def chain(community_id: int, code: str) -> list[ChainLink]:
    """Who asked, how it was decided, what it cost, who built, who maintains, how it was rated."""
    project = projects.project(community_id, code)
    return [
        *_asked(community_id, project),
        *_designed(community_id, project),
        *_decided(community_id, project),
        _paid(project),
        _built(project),
        _kept_up(project),
        _rated(community_id, project),
    ]


def _asked(community_id: int, project: projects.ProjectView) -> list[ChainLink]:
    edges = links.edges_of(community_id, f"project:{project.code}")
    ids = [e.source.partition(":")[2] for e in edges if e.relation == "leads_to"]
    if not ids:
        return [ChainLink(_("谁提的"), _("居委会摸底时登记"))]
    found = [topics.topic(community_id, topic_id).line for topic_id in ids]
    return [
        ChainLink(
            _("谁提的"),
            _("%(who)s提出：%(title)s", who=line.proposed_as, title=line.title),
            url_for("consultations.show", code=g.place.code, topic_id=line.public_id),
        )
        for line in found
    ]


def _designed(community_id: int, project: projects.ProjectView) -> list[ChainLink]:
    return [
        ChainLink(
            _("谁设计的"),
            _("%(title)s（%(count)s 套方案）", title=one.title, count=len(one.alternatives)),
            url_for("designs.show", code=g.place.code, design_id=one.public_id),
        )
        for one in designs.published_for(community_id, project.code)
    ]


def _decided(community_id: int, project: projects.ProjectView) -> list[ChainLink]:
    edges = links.edges_of(community_id, f"project:{project.code}")
    rated = {e.source for e in edges if e.relation == "rates"}
    ids = [
        e.source.partition(":")[2]
        for e in edges
        if e.relation == "asks_about" and e.source not in rated
    ]
    if not ids:
        begun = project.stage_index > stage_index(Stage.PLAN)
        return [ChainLink(_("怎么定的"), _("还没有投票"), missing=begun)]
    return [_poll_link(community_id, poll_id) for poll_id in ids]


def _poll_link(community_id: int, poll_id: str) -> ChainLink:
    poll = voting.poll_view(community_id, poll_id)
    over = poll.phase in {Phase.CLOSED, Phase.PUBLISHED, Phase.FINAL}
    page = "voting.result" if over else "voting.show"
    answer = (
        _("%(title)s（%(count)s 户参加）", title=poll.title, count=f"{poll.turnout:,}")
        if over
        else _("正在投票：%(title)s", title=poll.title)
    )
    url = url_for(page, code=g.place.code, poll_id=poll_id)
    return ChainLink(_("怎么定的"), answer, url)


def _paid(project: projects.ProjectView) -> ChainLink:
    funds = _("、").join(line.name for line in project.funds)
    return ChainLink(
        _("花多少"),
        _("%(yuan)s 元：%(funds)s", yuan=yuan(project.budget_fen), funds=funds),
    )


def _built(project: projects.ProjectView) -> ChainLink:
    finished = project.stage_index >= stage_index(Stage.MANAGE)
    answer = project.builder or (_("没有写明") if finished else _("还没有开工"))
    return ChainLink(_("谁建的"), answer, missing=finished and not project.builder)


def _kept_up(project: projects.ProjectView) -> ChainLink:
    if not project.upkeep_by:
        return ChainLink(_("谁维护"), _("还没定"), missing=True)
    yearly = _(
        "%(by)s，每年约 %(yuan)s 元",
        by=project.upkeep_by,
        yuan=yuan(project.upkeep_fen_per_year),
    )
    return ChainLink(_("谁维护"), yearly)


def _rated(community_id: int, project: projects.ProjectView) -> ChainLink:
    rounds = [one for one in ratings.rounds(community_id, project.code) if one.questions]
    url = url_for("ratings.show", code=g.place.code, project_code=project.code)
    if rounds:
        said = _("；").join(
            _("第 %(round)s 次 %(points)s 分", round=one.number, points=one.overall)
            for one in rounds
        )
        return ChainLink(_("评得怎样"), said, url)
    shared = project.stage is Stage.SHARE
    finished = project.stage_index >= stage_index(Stage.MANAGE)
    answer = _("还没有评价") if finished else _("建成以后请大家评")
    return ChainLink(_("评得怎样"), answer, url if finished else "", missing=shared)


@dataclass(frozen=True, slots=True)
class Orphan:
    """A project whose chain breaks somewhere."""

    code: str
    title: str
    questions: tuple[str, ...]


def orphans(community_id: int) -> list[Orphan]:
    """Every project with a question that nobody can answer although somebody should."""
    found = []
    for project in projects.all_projects(community_id):
        missing = [one.question for one in chain(community_id, project.code) if one.missing]
        if missing:
            found.append(Orphan(project.code, project.title, tuple(missing)))
    return found
