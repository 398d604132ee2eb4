"""The chain of a project from a need to its rating, read from the edges that rooms have drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

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
from app.voting.rules import Phase

T = TypeVar("T")
# States of a topic whose opinion stands.
CARRIED = frozenset(
    {State.DECIDED, State.IMPLEMENTING, State.REPORTED, State.RATED, State.ARCHIVED}
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rooms know of one project: whatever a chain is made of, read at once."""

    topics: tuple[topics.TopicLine, ...]
    designs: tuple[designs.ProposalView, ...]
    polls: tuple[voting.PollCard, ...]
    entered: tuple[projects.DecisionView, ...]
    rounds: tuple[ratings.Overall, ...]


def _facts(community_id: int, codes: list[str]) -> dict[str, Facts]:
    """The facts of many projects, in as many statements as of one."""
    edges: dict[str, list[links.Edge]] = {code: [] for code in codes}
    for edge in links.edges_to(community_id, [f"project:{code}" for code in codes]):
        edges[_id(edge.target)].append(edge)
    asked = {_id(e.source) for of in edges.values() for e in of if e.relation == "leads_to"}
    lines = topics.lines_by_id(community_id, asked)
    polls = {
        card.public_id: card
        for card in voting.poll_cards(community_id)
        if card.phase is not Phase.DRAFT
    }
    drawn = designs.published_by_project(community_id, codes)
    entered = projects.decisions_by_project(community_id, codes)
    rounds = ratings.overalls(community_id, codes)
    return {
        code: Facts(
            _sources(edges[code], "leads_to", lines),
            tuple(drawn.get(code, ())),
            _sources(_but_ratings(edges[code]), "asks_about", polls),
            tuple(entered.get(code, ())),
            tuple(rounds.get(code, ())),
        )
        for code in codes
    }


def _id(thing: str) -> str:
    return thing.partition(":")[2]


def _sources(edges: list[links.Edge], relation: str, known: dict[str, T]) -> tuple[T, ...]:
    """What stands in this relation to the project, in the order in which the edges were drawn."""
    ids = [_id(edge.source) for edge in edges if edge.relation == relation]
    return tuple(known[one] for one in ids if one in known)


def _but_ratings(edges: list[links.Edge]) -> list[links.Edge]:
    """The edges without those of polls that rate the project: they decide nothing."""
    rated = {edge.source for edge in edges if edge.relation == "rates"}
    return [edge for edge in edges if edge.source not in rated]


@register_chain
def chain(community_id: int, code: str) -> list[ChainLink]:
    """Who asked, how it was decided, what it cost, who built, who maintains, how it was rated."""
    project = projects.project(community_id, code)
    return _links(project, _facts(community_id, [code])[code])


def _links(project: projects.ProjectView, facts: Facts) -> list[ChainLink]:
    return [
        *_asked(project, facts),
        *_designed(facts),
        *_decided(project, facts),
        _paid(project),
        _built(project),
        _kept_up(project),
        _rated(project, facts),
    ]


def _asked(project: projects.ProjectView, facts: Facts) -> list[ChainLink]:
    if not facts.topics:
        answer = project.asked_by or _("没有写明")
        return [ChainLink(_("谁提的"), answer, missing=not project.asked_by)]
    return [
        ChainLink(
            _("谁提的"),
            _("%(who)s提出：%(title)s", who=line.proposer, title=line.title),
            url_for("consultations.show", code=g.place.code, topic_id=line.public_id),
        )
        for line in facts.topics
    ]


def _designed(facts: Facts) -> list[ChainLink]:
    return [
        ChainLink(
            _("谁设计的"),
            _("%(title)s（%(count)s 套方案）", title=one.title, count=len(one.alternatives)),
            url_for("designs.show", code=g.place.code, design_id=one.public_id),
        )
        for one in facts.designs
    ]


def _decided(project: projects.ProjectView, facts: Facts) -> list[ChainLink]:
    """Every poll and every entered decision, and which of the project's legal acts is lacking."""
    found = [_poll_link(one) for one in facts.polls] + [
        ChainLink(
            _("怎么定的"),
            _("%(act)s：%(text)s", act=route_text(one.route), text=one.text),
        )
        for one in facts.entered
    ]
    done = {one.route for one in facts.entered}
    if any(one.decided for one in facts.polls):
        done.add(Route.PREFERENCE_POLL)
    if any(line.state in CARRIED for line in facts.topics):
        done.add(Route.CONSULTATION)
    lacking = [route for route in project.decision_route if route not in done]
    begun = project.stage_index > stage_index(Stage.PLAN)
    if lacking and (begun or not found):
        found.append(_lacking(lacking, begun=begun))
    return found


def _lacking(routes: list[str], *, begun: bool) -> ChainLink:
    acts = _("、").join(route_text(route) for route in routes)
    words = _("还缺：%(acts)s", acts=acts) if begun else _("要经过：%(acts)s", acts=acts)
    return ChainLink(_("怎么定的"), words, missing=begun)


def _poll_link(poll: voting.PollCard) -> ChainLink:
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


def _rated(project: projects.ProjectView, facts: Facts) -> ChainLink:
    url = url_for("ratings.show", code=g.place.code, project_code=project.code)
    if facts.rounds:
        said = _("；").join(
            _("第 %(round)s 次，%(result)s", round=one.number, result=one.text)
            for one in facts.rounds
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
    ledger = projects.all_projects(community_id)
    facts = _facts(community_id, [project.code for project in ledger])
    found = []
    for project in ledger:
        answers = _links(project, facts[project.code])
        missing = [one.question for one in answers if one.missing]
        if missing:
            found.append(Orphan(project.code, project.title, tuple(missing)))
    return found
