"""The demo's staff have a last day, as those of a real community do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from app.core.actor import Role
from app.core.db import db
from app.people.models import RoleGrant
from app.portal import demo

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask


def test_every_role_but_an_administrators_ends(web_app: Flask, fixed_clock: datetime) -> None:
    demo.build()
    endless = db.session.scalars(select(RoleGrant.role).where(RoleGrant.ends_at.is_(None)))
    assert set(endless) == {Role.ADMINISTRATOR.value}
