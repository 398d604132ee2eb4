"""The demo's staff have a last day, as those of a real community do."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.core.actor import Role
from app.core.db import db
from app.people.models import RoleGrant


@pytest.mark.usefixtures("demo_city", "web_app")
def test_every_role_but_an_administrators_ends() -> None:
    endless = db.session.scalars(select(RoleGrant.role).where(RoleGrant.ends_at.is_(None)))
    assert set(endless) == {Role.ADMINISTRATOR.value}
