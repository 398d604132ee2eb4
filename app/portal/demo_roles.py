"""The demo's roles: who was given what, who stands in, what waits for a second person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import select

from app.communities.models import Household
from app.communities.queries import buildings, community_by_code, residences
from app.consultations.queries import all_topics
from app.consultations.rules import State as TopicState
from app.core import clock
from app.core.actor import Actor, Role
from app.core.db import db
from app.meetings.queries import meetings_about
from app.policy.roles import FEWEST_PER_REPRESENTATIVE, group_scope
from app.portal.demo_stage import Stagehand
from app.roles import operations as roles
from app.roles.operations import Decision
from app.roles.proposing import NewProposal

# (days before today, estate, which of its groups, how the desk calls them, why)
REPRESENTATIVES = (
    (96, "槐香里一区", 0, "张老师，退休教师", "3 月 2 日一区居民小组推选，到会 46 户，41 户同意。"),
    (95, "槐香里一区", 1, "刘师傅，住一楼", "3 月 3 日一区居民小组推选，到会 52 户，47 户同意。"),
    (95, "槐香里二区", 0, "孙姐，带广场舞队", "3 月 3 日二区居民小组推选，到会 38 户，35 户同意。"),
)
WAITING = (3, "槐香里二区", 1, "周医生，社区医院的", "居民小组推选，到会 40 户，36 户同意。")
NEIGHBOURS = "YYL"


def acts(stage: Stagehand) -> Iterator[tuple[datetime, Callable[[], object]]]:
    """Three representatives and a stand-in, a meeting's chair and recorder, two open proposals."""
    for days, estate, group, called, reason in REPRESENTATIVES:
        yield stage.at(days), _give(stage, estate, group, called, reason)
    yield stage.at(88), lambda: _stand_in(stage)
    yield stage.at(16, 15), lambda: _of_the_meeting(stage)
    yield stage.at(WAITING[0], 15), lambda: _representative(stage, *WAITING[1:])
    yield stage.at(2, 11), lambda: _neighbours_chair(stage)


def _give(
    stage: Stagehand, estate: str, group: int, called: str, reason: str
) -> Callable[[], None]:
    return lambda: _decide(stage, _representative(stage, estate, group, called, reason))


def _representative(stage: Stagehand, estate: str, group: int, called: str, reason: str) -> int:
    """Let the clerk propose somebody who lives in one of an estate's groups of buildings."""
    chosen = _groups(stage.community_id, estate)[group]
    home = db.session.scalars(
        select(Household.id)
        .where(*residences(stage.community_id), Household.building_id.in_(chosen))
        .order_by(Household.id.desc())
    ).first()
    person = stage.resident(stage.community_id, home or 0)
    return _propose(
        stage, person, Role.REPRESENTATIVE, group_scope(chosen), reason, days=4 * 365, called=called
    )


def _groups(community_id: int, estate: str) -> list[list[int]]:
    """The estate's buildings, put together until a group has the households of two."""
    groups: list[list[int]] = [[]]
    homes = 0
    for one in buildings(community_id):
        if one.estate != estate:
            continue
        if homes >= 2 * FEWEST_PER_REPRESENTATIVE:
            groups.append([])
            homes = 0
        groups[-1].append(one.id)
        homes += one.households
    return groups


def _propose(  # noqa: PLR0913 -- a proposal is these facts
    stage: Stagehand,
    person: Actor,
    role: Role,
    scope: str,
    reason: str,
    *,
    days: int,
    called: str = "",
) -> int:
    new = NewProposal(
        role, person.require_person(), _until(days), reason, scope=scope, called=called
    )
    clerk = stage.staff("gongzuo", Role.CLERK)
    return roles.propose_role(clerk, community_id=stage.community_id, new=new)


def _until(days: int) -> datetime:
    return clock.end_after(timedelta(days=days))


def _decide(stage: Stagehand, proposal: int) -> None:
    chair = stage.staff("zhuren", Role.COMMITTEE_CHAIR)
    decision = Decision(give=True)
    with clock.set_to(clock.now() + timedelta(hours=4)):
        roles.decide_role(
            chair, community_id=stage.community_id, proposal_id=proposal, decision=decision
        )


def _stand_in(stage: Stagehand) -> None:
    chair = stage.staff("zhuren", Role.COMMITTEE_CHAIR)
    watcher = stage.staff("jiandu", Role.SUPERVISOR)
    roles.name_stand_in(
        chair,
        community_id=stage.community_id,
        person_id=watcher.require_person(),
        ends_at=_until(300),
        reason="主任只有一位。主任自己提名的，没有第二个人可以同意。",
    )


def _of_the_meeting(stage: Stagehand) -> None:
    """A member chairs the round table of today, and a resident keeps its record."""
    topic = next(one for one in all_topics(stage.community_id) if one.state is TopicState.ANNOUNCED)
    meeting = meetings_about(stage.community_id, f"topic:{topic.public_id}")[-1].public_id
    scope, reason = f"meeting:{meeting}", "圆桌会筹备时商定。"
    member = stage.staff("weiyuan", Role.COMMITTEE)
    (resident,) = stage.neighbours(1, "槐香里二区")
    for person, role, called in (
        (member, Role.MEETING_CHAIR, ""),
        (resident, Role.MEETING_RECORDER, "吴老师，字写得快"),
    ):
        _decide(stage, _propose(stage, person, role, scope, reason, days=45, called=called))


def _neighbours_chair(stage: Stagehand) -> None:
    """The neighbours have elected a chair; whoever is above gives the role, or does not."""
    there = community_by_code(NEIGHBOURS).id
    clerk = stage.staff("linju", Role.CLERK, there)
    member = stage.staff("linwei", Role.COMMITTEE, there)
    new = NewProposal(
        Role.COMMITTEE_CHAIR,
        member.require_person(),
        _until(4 * 365),
        "补选当选主任，任到本届届满，选举结果已经公布。",
    )
    roles.propose_role(clerk, community_id=there, new=new)
