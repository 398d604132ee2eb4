"""The demo city: two communities of one district, alive around the day it was made.

Everything goes through the same operations that people use; its past is written oldest first
under a set clock. Codes, passwords and second factors can be shown again here and only here.
"""

from __future__ import annotations

import io
import random
import secrets
import tomllib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import current_app
from sqlalchemy import insert, select

from app.communities import operations as communities
from app.communities.models import Household
from app.communities.setting_operations import change_area_setting
from app.config import ROOT
from app.core import clock, images
from app.core.actor import LEVELS, SYSTEM, Actor, Home, Role
from app.core.db import db, transaction
from app.core.errors import RuleBroken
from app.people import operations as people
from app.people.models import Membership, Person
from app.policy.roles import TERM, TERMS
from app.portal import demo_past
from app.portal.demo_stage import Stagehand
from app.projects import operations as projects
from app.projects.rules import Line, SupplyMode
from app.voting import operations as voting
from app.voting import tokens
from app.voting.launching import PollDraft
from app.voting.rules import NONE_OF_THEM, Method, Rules, ShareTest, default_rules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SAMPLE = ROOT / "sample_data"
PASSWORD = "yanshi-chengshi-2026"  # noqa: S105 -- a demo's password is printed on purpose
SEED = 20260512
SUPPLY = {
    "补建": SupplyMode.BUILD,
    "购置": SupplyMode.BUY,
    "置换": SupplyMode.SWAP,
    "租赁": SupplyMode.RENT,
    "改造": SupplyMode.CONVERT,
}
# How the closed poll's households leaned, in shares of a thousand; the open one's is not shown.
CLOSED_TASTE = {"P01": 310, "P02": 640, "P05": 590, "P06": 420, "P07": 350}
CLOSED_TURNOUT = 918
OPEN_TURNOUT = 207
# The first households of the roll are left for whoever tries the demo.
VISITORS_HOMES = 40
THIRD = ShareTest("electorate", 1, 3, ">=")


def build() -> None:
    """Make the demo city. Raises: RuleBroken demo.not_empty, demo.production."""
    if current_app.config["SETTINGS"].production:
        raise RuleBroken("demo.production")
    made_at = clock.now()
    opened = hour_of_day(made_at - timedelta(days=16), 9)
    with clock.set_to(made_at - timedelta(days=151)):
        ids = _places()
        _rolls(ids)
        _staff(ids)
        _ledger(ids["HXL"])
        past = Stagehand(ids["HXL"], made_at, _resident, cast_many)
        _local_figures(past.officer("shiji", Role.CITY, ids["QH"]), ids["QH"])
        people.issue_codes(SYSTEM, community_id=ids["HXL"], household_ids=None)
        people.issue_codes(SYSTEM, community_id=ids["YYL"], household_ids=None)
    later = demo_past.write(past, opened)
    _closed_poll(ids["HXL"], opened, made_at)
    _neighbours_poll(ids["YYL"], made_at)
    _open_poll(ids["HXL"], made_at)
    demo_past.write_today(past, later)


def hour_of_day(day: datetime, hour: int) -> datetime:
    """Give the hour of that day as people in China read it."""
    shown = clock.local(day)
    return clock.at_local(shown.year, shown.month, shown.day, hour)


def _places() -> dict[str, int]:
    read = tomllib.loads((SAMPLE / "community.toml").read_text(encoding="utf-8"))["community"]
    city = communities.add_jurisdiction(
        SYSTEM, level="city", code="QH", name=read["city"], parent_id=None
    )
    district = communities.add_jurisdiction(
        SYSTEM, level="district", code="YT", name=read["district"], parent_id=city
    )
    street = communities.add_jurisdiction(
        SYSTEM,
        level="subdistrict",
        code="BY",
        name=read["subdistrict"],
        parent_id=district,
    )
    first = communities.add_community(
        SYSTEM,
        communities.NewCommunity(
            code=read["code"],
            name=read["name"],
            jurisdiction_id=street,
            desk_phone=read["phone"],
            office=read["office"],
            hours="周一至周五 8:30–17:00，周六 9:00–11:30",
            intro=read["intro"],
            demo=True,
        ),
    )
    second = communities.add_community(
        SYSTEM,
        communities.NewCommunity(
            code="YYL",
            name="榆荫里社区",
            jurisdiction_id=street,
            desk_phone="10000000002",
            office="榆荫里 2 号楼一层",
            hours="周一至周五 8:30–17:00",
            intro="一个小区、六栋楼，紧挨着槐香里。",
            demo=True,
        ),
    )
    return {"HXL": first, "YYL": second, "BY": street, "YT": district, "QH": city}


def _rolls(ids: dict[str, int]) -> None:
    workbook = (SAMPLE / "huaixiangli.xlsx").read_bytes()
    communities.import_roll(
        SYSTEM, community_id=ids["HXL"], data=workbook, file_name="huaixiangli.xlsx"
    )
    communities.import_roll(
        SYSTEM, community_id=ids["YYL"], data=_small_roll(), file_name="yuyinli.csv"
    )


def _small_roll() -> bytes:
    out = io.StringIO()
    out.write("小区,楼栋,单元,房号,房屋用途,建筑面积,户主,联系电话\n")
    for building in range(1, 7):
        for stairwell in (1, 2):
            for number in range(12):
                room = f"{number // 2 + 1}0{number % 2 + 1}"
                phone = 10002000000 + building * 1000 + stairwell * 100 + number
                out.write(
                    f"榆荫里,{building},{stairwell},{room},住宅,62.10,"
                    f"榆荫住户{building}{stairwell}{number:02d},{phone}\n"
                )
    return out.getvalue().encode()


def _staff(ids: dict[str, int]) -> None:
    rows: tuple[tuple[str, str, Role, str], ...] = (
        ("gongzuo", "社区工作人员甲", Role.CLERK, "HXL"),
        ("weiyuan", "居委会委员庚", Role.COMMITTEE, "HXL"),
        ("zhuren", "居委会主任癸", Role.COMMITTEE_CHAIR, "HXL"),
        ("jiandu", "居务监督委员乙", Role.SUPERVISOR, "HXL"),
        ("sheji", "设计师丙", Role.DESIGNER, "HXL"),
        ("linju", "榆荫里工作人员己", Role.CLERK, "YYL"),
        ("linwei", "榆荫里委员子", Role.COMMITTEE, "YYL"),
        ("jiedao", "北苑街道办事处丁", Role.SUBDISTRICT, "BY"),
        ("quji", "云台区住建局辛", Role.DISTRICT, "YT"),
        ("shiji", "青禾市住建局戊", Role.CITY, "QH"),
        ("guanli", "系统管理员壬", Role.ADMINISTRATOR, "QH"),
    )
    above = {*LEVELS, Role.ADMINISTRATOR}
    # As long as the command line gives them; an administrator's own has no end.
    longest = dict.fromkeys(LEVELS, TERM) | {role: one.longest for role, one in TERMS.items()}
    for name, display, role, place in rows:
        people.add_staff(
            SYSTEM,
            sign_in_name=name,
            display=display,
            password=PASSWORD,
            role=role,
            community_id=None if role in above else ids[place],
            jurisdiction_id=ids[place] if role in above else None,
            ends_at=clock.end_after(longest[role]) if role in longest else None,
        )


def _ledger(community_id: int) -> None:
    read = tomllib.loads((SAMPLE / "projects.toml").read_text(encoding="utf-8"))
    for item in read["project"]:
        picture = images.repaint((SAMPLE / "pictures" / f"{item['code']}.png").read_bytes())
        projects.add_project(
            SYSTEM,
            community_id=community_id,
            code=item["code"],
            text=_project_text(item),
            picture=picture,
        )


def _local_figures(officer: Actor, city_id: int) -> None:
    """The city has a phone of its own, and goes by its own plan for the service station.

    The standard advises twice as much.
    """
    change_area_setting(
        officer,
        jurisdiction_id=city_id,
        key="complaint_phone",
        value="10000012345",
        seen="",
        reason="青禾市（虚构）的投诉电话",
    )
    change_area_setting(
        officer,
        jurisdiction_id=city_id,
        key="station_area",
        value="400",
        seen="",
        reason="2022 年《青禾市完整社区建设试点方案》（虚构）：服务站不少于 400 平方米。",
    )


def _project_text(item: dict[str, Any]) -> projects.ProjectText:
    return projects.ProjectText(
        title=item["title"],
        location=item["location"],
        problem=item["problem"],
        proposal=item["proposal"],
        supply_mode=SUPPLY[item["supply_mode"]].value,
        budget_fen=item["budget"] * 100,
        decision_route=tuple(item["decision_route"]),
        scope=item["scope"],
        build_months=item["build_months"],
        upkeep_fen_per_year=item["upkeep_per_year"] * 100,
        upkeep_by=item["upkeep_by"],
        risk=item["risk"],
        costs=_money(item["cost"]),
        funds=_money(item["fund"]),
        asked_by="居委会 2026 年春季入户摸底，住户反映",
    )


def _money(rows: Iterable[dict[str, Any]]) -> tuple[Line, ...]:
    return tuple(Line(row["name"], row["amount"] * 100) for row in rows)


# --- polls -----------------------------------------------------------------------------------


def _closed_poll(community_id: int, opened: datetime, made_at: datetime) -> None:
    """Draw up a poll with a result worth looking at: up to three of five, the first two win."""
    codes = tuple(CLOSED_TASTE)
    closes = hour_of_day(made_at - timedelta(days=4), 18)
    draft = PollDraft(
        title="2026 年先办哪两件？",
        explanation="今年的改造资金大约够办两件。每户最多选三项；都不合适，就选“均不同意”。",
        method=Method.CHOOSE,
        projects=codes,
        rules=Rules((THIRD,), (), k=3, seats=2),
        opens_at=opened,
        closes_at=closes,
    )
    with clock.set_to(opened):
        poll = open_at_once(community_id, draft)
    dice = random.Random(SEED)  # noqa: S311 -- the demo is the same every time
    cast_many(community_id, poll, CLOSED_TURNOUT, (opened, closes), lambda: _taste(dice), dice)
    with clock.set_to(closes):
        voting.close_poll(SYSTEM, community_id=community_id, public_id=poll)
    with clock.set_to(closes + timedelta(hours=15)):
        voting.publish_result(SYSTEM, community_id=community_id, public_id=poll)


def _taste(dice: random.Random) -> list[str]:
    liked = [code for code, share in CLOSED_TASTE.items() if dice.randrange(1000) < share]
    dice.shuffle(liked)
    return liked[:3] or [NONE_OF_THEM]


def _neighbours_poll(community_id: int, made_at: datetime) -> None:
    """Draw up the neighbours' one project and their open poll on it."""
    projects.add_project(
        SYSTEM,
        community_id=community_id,
        code="L01",
        text=small_project(),
        picture=None,
    )
    opened = hour_of_day(made_at - timedelta(days=1), 10)
    draft = PollDraft(
        title="院里添一组晾衣架和长椅，您同意吗？",
        explanation="",
        method=Method.YES_NO,
        projects=("L01",),
        rules=default_rules(Method.YES_NO),
        opens_at=opened,
        closes_at=hour_of_day(made_at + timedelta(days=6), 18),
    )
    with clock.set_to(opened):
        open_at_once(community_id, draft)


def small_project() -> projects.ProjectText:
    """A project that any demo community could have."""
    return projects.ProjectText(
        title="晾衣架和长椅",
        location="3 号楼南侧空地",
        problem="六栋楼没有公共晾晒的地方，被子晾在消防栓和树上。",
        proposal="装四组不锈钢晾衣架，配六张带靠背的长椅。",
        supply_mode=SupplyMode.BUILD.value,
        budget_fen=2_600_000,
        decision_route=("preference_poll",),
        scope="榆荫里",
        build_months=1,
        upkeep_fen_per_year=60_000,
        upkeep_by="居委会",
        risk="",
        costs=(Line("晾衣架", 1_400_000), Line("长椅", 1_200_000)),
        funds=(Line("社区公益资金", 2_600_000),),
        asked_by="居委会入户摸底",
    )


def _open_poll(community_id: int, made_at: datetime) -> None:
    """Draw up the open poll that visitors of the demo vote in."""
    opened = hour_of_day(made_at - timedelta(days=3), 9)
    draft = PollDraft(
        title="建铁路绿带口袋公园，您同意吗？",
        explanation="用地手续由街道去办，办不下来就不建。这次先问大家的意愿。",
        method=Method.YES_NO,
        projects=("P05",),
        rules=default_rules(Method.YES_NO),
        opens_at=opened,
        closes_at=hour_of_day(made_at + timedelta(days=11), 18),
    )
    with clock.set_to(opened):
        poll = open_at_once(community_id, draft)
    dice = random.Random(SEED + 1)  # noqa: S311 -- the demo is the same every time

    def answer() -> list[str]:
        return dice.choices(["yes", "no", "abstain"], [72, 20, 8])

    cast_many(community_id, poll, OPEN_TURNOUT, (opened, made_at), answer, dice)


def open_at_once(community_id: int, draft: PollDraft) -> str:
    """Draft a poll and open it; gives its public id."""
    poll = voting.draft_poll(SYSTEM, community_id=community_id, draft=draft)
    voting.open_poll(SYSTEM, community_id=community_id, public_id=poll)
    return poll


def cast_many(  # noqa: PLR0913 -- who, where, how many, when and what
    community_id: int,
    poll: str,
    number: int,
    between: tuple[datetime, datetime],
    answer: Callable[[], list[str]],
    dice: random.Random,
    *,
    first_home: int = VISITORS_HOMES,
) -> None:
    """Let so many households vote, oldest first, none of them one that visitors use."""
    homes = list(
        db.session.scalars(
            select(Household.id)
            .where(Household.community_id == community_id)
            .order_by(Household.id)
            .offset(first_home)
        )
    )
    chosen = dice.sample(homes, number)
    begin, end = between
    seconds = int((end - begin).total_seconds()) - 60
    moments = sorted(dice.randrange(60, seconds) for _ in chosen)
    for household_id, offset in zip(chosen, moments, strict=True):
        with clock.set_to(begin + timedelta(seconds=offset)):
            actor = _resident(community_id, household_id)
            key = current_app.config["SETTINGS"].secret_key
            binding = tokens.Binding(0, community_id, poll, household_id)
            token = tokens.issue(key, binding)
            voting.cast_ballot(
                actor,
                community_id=community_id,
                public_id=poll,
                choice=answer(),
                token=token,
            )


def _resident(community_id: int, household_id: int) -> Actor:
    """A member of the household, joined on the day it first voted; its session is not kept."""
    with transaction() as session:
        found = session.execute(
            select(Person.id, Person.ref)
            .join(Membership, Membership.person_id == Person.id)
            .where(
                Membership.community_id == community_id,
                Membership.household_id == household_id,
            )
        ).first()
        if found is None:
            person = Person(ref=secrets.token_urlsafe(16), created_at=clock.now())
            session.add(person)
            session.flush()
            session.execute(
                insert(Membership).values(
                    community_id=community_id,
                    household_id=household_id,
                    person_id=person.id,
                    joined_at=clock.now(),
                )
            )
            person_id, ref = person.id, person.ref
        else:
            person_id, ref = found.id, found.ref
        return Actor(person_id, ref, session_id=0, homes=(Home(community_id, household_id),))
