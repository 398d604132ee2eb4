"""The chain of a project from a need to its rating, read from the edges that rooms have drawn."""

from __future__ import annotations

from dataclasses import dataclass

from flask import g, url_for
from flask_babel import gettext as _

from app.consultations import queries as topics
from app.consultations.rules import State
from app.core import links
from app.core.words import listed, yuan
from app.designs import queries as designs
from app.projects import queries as projects
from app.projects.rules import Route, Stage, stage_index
from app.projects.steps import ChainLink, register_chain
from app.projects.words import route_text
from app.ratings import queries as ratings
from app.voting import queries as voting

# States of a topic whose opinion stands.
CARRIED = frozenset(
    {State.DECIDED, State.IMPLEMENTING, State.REPORTED, State.RATED, State.ARCHIVED}
)


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
        answer = project.asked_by or _("没有写明")
        return [ChainLink(_("谁提的"), answer, missing=not project.asked_by)]
    found = [topics.topic(community_id, topic_id).line for topic_id in ids]
    return [
        ChainLink(
            _("谁提的"),
            _("%(who)s提出：%(title)s", who=line.proposer, title=line.title),
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
    """Every poll and every entered decision, and which of the project's legal acts is lacking."""
    polls = _polls_about(community_id, project.code)
    entered = projects.decisions(community_id, project.code)
    found = [_poll_link(one) for one in polls] + [
        ChainLink(
            _("怎么定的"),
            _("%(act)s：%(text)s", act=route_text(one.route), text=one.text),
        )
        for one in entered
    ]
    done = {one.route for one in entered}
    if any(one.decided for one in polls):
        done.add(Route.PREFERENCE_POLL)
    if _talked_over(community_id, project.code):
        done.add(Route.CONSULTATION)
    lacking = [route for route in project.decision_route if route not in done]
    begun = project.stage_index > stage_index(Stage.PLAN)
    if lacking and (begun or not found):
        found.append(_lacking(lacking, begun=begun))
    return found


def _polls_about(community_id: int, code: str) -> list[voting.PollView]:
    edges = links.edges_of(community_id, f"project:{code}")
    rated = {e.source for e in edges if e.relation == "rates"}
    return [
        voting.poll_view(community_id, e.source.partition(":")[2])
        for e in edges
        if e.relation == "asks_about" and e.source not in rated
    ]


def _talked_over(community_id: int, code: str) -> bool:
    """Whether a topic that led to the project came to a decision."""
    edges = links.edges_of(community_id, f"project:{code}")
    ids = [e.source.partition(":")[2] for e in edges if e.relation == "leads_to"]
    return any(topics.topic(community_id, one).line.state in CARRIED for one in ids)


def _lacking(routes: list[str], *, begun: bool) -> ChainLink:
    acts = _("、").join(route_text(route) for route in routes)
    words = _("还缺：%(acts)s", acts=acts) if begun else _("要经过：%(acts)s", acts=acts)
    return ChainLink(_("怎么定的"), words, missing=begun)


def _poll_link(poll: voting.PollView) -> ChainLink:
    page = "voting.result" if poll.decided else "voting.show"
    answer = (
        _("%(title)s（%(count)s 户参加）", title=poll.title, count=f"{poll.turnout:,}")
        if poll.decided
        else _("正在投票：%(title)s", title=poll.title)
    )
    url = url_for(page, code=g.place.code, poll_id=poll.public_id)
    return ChainLink(_("怎么定的"), answer, url)


def _paid(project: projects.ProjectView) -> ChainLink:
    funds = listed(line.name for line in project.funds)
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
            _("第 %(round)s 次，%(result)s", round=one.number, result=one.overall_text)
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
