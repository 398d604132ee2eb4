"""The start of an empty installation: its tables, its city, its first two administrators.

Two, because whoever sets an installation up must not be the only one who can.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_migrate import upgrade
from sqlalchemy import func, select

from app.communities import operations as communities
from app.communities.models import Jurisdiction, Level
from app.config import ROOT
from app.core import clock, web
from app.core.actor import SYSTEM, Role
from app.core.db import db
from app.core.errors import RuleBroken
from app.people.models import RoleGrant
from app.people.slips import Duty, new_slip, private_file
from app.people.steps import role_is_living

if TYPE_CHECKING:
    from pathlib import Path

ADMINISTRATORS = 2


def found(city: str, code: str, names: tuple[str, str], slips: Path) -> int:
    """Make the tables, the city and both administrators; their slips go to a new private file.

    What an earlier, broken-off call made is kept and completed. Gives how many accounts were made.
    Raises: RuleBroken founding.*, place.*, slips.*, staff.*.
    """
    if names[0] == names[1]:
        raise RuleBroken("founding.same_name")
    upgrade(str(ROOT / "migrations"))
    if _administrators() >= ADMINISTRATORS:
        raise RuleBroken("founding.done")
    sheet = private_file(slips)
    with os.fdopen(sheet, "w", encoding="utf-8") as file:
        wanted = names[-(ADMINISTRATORS - _administrators()) :]
        for name in wanted:
            file.write(_slip(name, _city(city, code)))
    return len(wanted)


def _administrators() -> int:
    administrator = RoleGrant.role == Role.ADMINISTRATOR.value
    counted = select(func.count()).where(administrator, role_is_living(clock.now()))
    return db.session.scalar(counted) or 0


def _city(name: str, code: str) -> int:
    known = db.session.scalar(
        select(Jurisdiction.id).where(
            Jurisdiction.code == code, Jurisdiction.level == Level.CITY.value
        )
    )
    if known is not None:
        return known
    return communities.add_jurisdiction(SYSTEM, level="city", code=code, name=name, parent_id=None)


def _slip(name: str, city_id: int) -> str:
    """What an administrator needs to sign in, once: name, password, second factor."""
    duty = Duty(Role.ADMINISTRATOR, jurisdiction_id=city_id)
    return new_slip(SYSTEM, duty, sign_in_name=name, display=name).text


def _broken(error: RuleBroken) -> str:
    return {
        "founding.same_name": _("两位管理员要用两个登录名，由两个人掌握。什么都没有保存。"),
        "founding.done": _("这里已经有两位管理员。什么都没有改动。"),
    }[error.code]


web.explain("founding", _broken)
