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
from app.config import ROOT
from app.core import clock, images
from app.core.actor import SYSTEM, Actor, Home, Role
from app.core.db import db, transaction
from app.core.errors import RuleBroken
from app.people import operations as people
from app.people.models import LoginSession, Membership, Person
from app.projects import operations as projects
from app.projects.rules import Line, SupplyMode
from app.voting import operations as voting
from app.voting import tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


def build() -> None:
    """Make the demo city. Raises: RuleBroken demo.not_empty, demo.production."""
    if current_app.config["SETTINGS"].production:
        raise RuleBroken("demo.production")
    made_at = clock.now()
    opened = _at(made_at - timedelta(days=16), 9)
    with clock.set_to(opened - timedelta(days=30)):
        ids = _places()
        _rolls(ids)
        _staff(ids)
        _ledger(ids["HXL"])
        people.issue_codes(SYSTEM, community_id=ids["HXL"], household_ids=None)
        people.issue_codes(SYSTEM, community_id=ids["YYL"], household_ids=None)
    _closed_poll(ids["HXL"], opened, made_at)
    _neighbours_poll(ids["YYL"], made_at)
    _open_poll(ids["HXL"], made_at)


def _at(day: datetime, hour: int) -> datetime:
    """Give the hour of that day as people in China read it."""
    shown = clock.local(day)
    return clock.at_local(shown.year, shown.month, shown.day, hour)


def _places() -> dict[str, int]:
    read = tomllib.loads((SAMPLE / "community.toml").read_text(encoding="utf-8"))[
        "community"
    ]
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
    return {"HXL": first, "YYL": second, "YT": district}


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
        ("jiandu", "居务监督委员乙", Role.SUPERVISOR, "HXL"),
        ("sheji", "设计师丙", Role.DESIGNER, "HXL"),
        ("linju", "榆荫里工作人员己", Role.CLERK, "YYL"),
        ("quji", "云台区住建局辛", Role.DISTRICT, "YT"),
    )
    for name, display, role, place in rows:
        people.add_staff(
            SYSTEM,
            sign_in_name=name,
            display=display,
            password=PASSWORD,
            role=role,
            community_id=None if role is Role.DISTRICT else ids[place],
            jurisdiction_id=ids[place] if role is Role.DISTRICT else None,
        )


def _ledger(community_id: int) -> None:
    read = tomllib.loads((SAMPLE / "projects.toml").read_text(encoding="utf-8"))
    for item in read["project"]:
        picture = images.repaint(
            (SAMPLE / "pictures" / f"{item['code']}.png").read_bytes()
        )
        projects.add_project(
            SYSTEM,
            community_id=community_id,
            code=item["code"],
            text=_project_text(item),
            picture=picture,
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
    )


def _money(rows: Iterable[dict[str, Any]]) -> tuple[Line, ...]:
    return tuple(Line(row["name"], row["amount"] * 100) for row in rows)
