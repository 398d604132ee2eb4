"""The designer's home says what waits for them: what came back, who asks, when people meet."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from app.core import clock
from app.core.actor import Role
from app.designs import operations as designs
from app.designs import queries
from app.designs.rules import Plan
from app.discussion import operations as opinions
from app.meetings import operations as meetings
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.world import Place, Staff, World

HOME = "/c/HXL/designer"
WHY = "一棵树也不能砍，\n请画出来。"


@pytest.fixture
def place(web_world: World, fixed_clock: datetime) -> Place:
    return web_world.community("HXL", 3)


@pytest.fixture
def designer(web_world: World, place: Place) -> Staff:
    return web_world.staff(place, Role.DESIGNER)


def handed_in(place: Place, designer: Staff, code: str) -> str:
    """A proposal that waits for the committee's look."""
    plan = designs.Drawn(Plan("直坡", "大白话。", 100_000, 1_000, "老人", "一棵树"))
    new = designs.NewProposal(code, f"{code}的坡道", (plan, plan))
    return designs.post_proposal(designer.actor, community_id=place.id, new=new)


def test_what_came_back_stands_on_top_with_its_reason_until_it_is_handed_in_again(
    client: CheckedClient, web_world: World, place: Place, designer: Staff
) -> None:
    web_world.project(place, "P05")
    design = handed_in(place, designer, "P05")
    client.staff(designer)
    assert "退回" not in client.get(HOME).text
    clerk = web_world.clerk(place)
    designs.decide_proposal(clerk, community_id=place.id, design_id=design, publish=False, note=WHY)
    page = client.get(HOME).text
    assert page.index("方案退回了，请改好再交") < page.index("一棵树也不能砍") < page.index("去改")
    assert f'href="{HOME}/{design}/revise"' in page

    plan = queries.proposal(place.id, design).alternatives[0].plan
    again = designs.Change("树都留着", "", (designs.Drawn(plan), designs.Drawn(plan)))
    designs.revise_proposal(designer.actor, community_id=place.id, design_id=design, change=again)
    assert "方案退回了" not in client.get(HOME).text
    designs.decide_proposal(clerk, community_id=place.id, design_id=design, publish=True)
    public = CheckedClient(web_world.app).get(f"/c/HXL/designs/{design}").text
    assert "退回的理由" not in public, "what was mended before anybody saw it is nobody's business"


def test_the_next_session_stands_there_from_the_notice_to_its_end(
    client: CheckedClient, web_world: World, place: Place, designer: Staff
) -> None:
    web_world.project(place, "P05")
    design = web_world.design(place, designer.actor, "P05")
    client.staff(designer)
    assert "设计师进社区：" not in client.get(HOME).text
    clerk = web_world.clerk(place)
    for days in (20, 10):
        starts = clock.now() + timedelta(days=days)
        meeting = designs.call_session(
            clerk,
            community_id=place.id,
            design_id=design,
            meeting=web_world.new_meeting(starts_at=starts),
        )
    meetings.join_meeting(web_world.resident(place), community_id=place.id, meeting_id=meeting)
    page = client.get(HOME).text
    assert page.count("设计师进社区：") == 1, "only the next one"
    assert "设计师进社区：5月30日（周六）10:03" in page
    assert "已有 1 人报名。" in page
    assert f'href="/c/HXL/meetings/{meeting}"' in page
    designs.postpone_session(clerk, community_id=place.id, meeting_id=meeting, reason="下雨")
    assert "设计师进社区：6月9日（周二）10:03" in client.get(HOME).text


def test_ten_proposals_are_read_as_one_is(
    client: CheckedClient,
    web_world: World,
    place: Place,
    designer: Staff,
    statements: list[str],
) -> None:
    client.staff(designer)
    clerk = web_world.clerk(place)

    def more(code: str) -> None:
        web_world.project(place, code)
        design = web_world.design(place, designer.actor, code)
        post = web_world.post(place, f"design:{design}")
        opinions.publish_post(clerk, community_id=place.id, post_id=post)
        designs.call_session(
            clerk, community_id=place.id, design_id=design, meeting=web_world.new_meeting()
        )

    def cost() -> int:
        statements.clear()
        page = client.get(HOME).text
        assert page.count("1 条意见等您回应") == page.count("设计师进社区：") == shown
        return len(statements)

    shown = 1
    more("P1")
    cost()
    before = cost()
    for code in ("P2", "P3", "P4"):
        more(code)
    shown = 4
    assert cost() == before
