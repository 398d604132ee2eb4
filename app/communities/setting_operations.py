"""Changing what holds at a place. What was fixed before (an opening, a publication) stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from app.communities import setting_rules as rules
from app.communities.models import (
    Community,
    CommunitySetting,
    Jurisdiction,
    JurisdictionSetting,
)
from app.communities.setting_rules import Sort
from app.core import clock
from app.core import record as records
from app.core.db import transaction
from app.core.errors import NotFound
from app.core.record import Above, Act, checkpoint, record
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

CHANGED = records.register(
    "setting.changed",
    {"key", "from", "to"},
    {"reason", "was", "becomes"},
    "a place sets a value for itself and all below it, or gives it back",
)
# A name, a phone or a number of registration stays outside the facts.
SET, INHERITED = "set", ""


def change_community_setting(
    actor: Actor, *, community_id: int, key: str, value: str | None, seen: str, reason: str
) -> None:
    """Set a value for a community; None gives it back to the places above.

    `seen` is the own value that whoever decides has seen, empty for none.
    Raises: NotFound; RuleBroken setting.*.
    """
    wanted = "" if value is None else rules.checked(key, value)
    with transaction() as session:
        require(actor, Permission.SETTINGS_CHANGE, Place(community_id))
        held = select(Community.id).where(Community.id == community_id).with_for_update()
        if session.scalar(held) is None:
            raise NotFound("community")
        mine = CommunitySetting.community_id == community_id, CommunitySetting.key == key
        now = session.scalar(select(CommunitySetting.value).where(*mine)) or ""
        tidy = _settled(key, reason)
        if rules.changes(now, seen, wanted):
            where = {"community_id": community_id}
            _write(session, CommunitySetting, mine, where, (key, now, wanted))
            record(session, actor, _act(key, now, wanted, tidy), community_id)


def change_area_setting(
    actor: Actor, *, jurisdiction_id: int, key: str, value: str | None, seen: str, reason: str
) -> None:
    """Set a value for a city, district or subdistrict and all below it; None gives it back.

    Raises: NotFound; RuleBroken setting.*.
    """
    wanted = "" if value is None else rules.checked(key, value)
    with transaction() as session:
        require(actor, Permission.AREA_SETTINGS, Place(jurisdiction_ids=(jurisdiction_id,)))
        held = select(Jurisdiction.id).where(Jurisdiction.id == jurisdiction_id).with_for_update()
        if session.scalar(held) is None:
            raise NotFound("jurisdiction")
        mine = (
            JurisdictionSetting.jurisdiction_id == jurisdiction_id,
            JurisdictionSetting.key == key,
        )
        now = session.scalar(select(JurisdictionSetting.value).where(*mine)) or ""
        tidy = _settled(key, reason)
        if rules.changes(now, seen, wanted):
            where = {"jurisdiction_id": jurisdiction_id}
            _write(session, JurisdictionSetting, mine, where, (key, now, wanted))
            record(session, actor, _act(key, now, wanted, tidy), Above(jurisdiction_id))
            # Acts above communities are few: each is signed as soon as it is done.
            checkpoint(session, Above(jurisdiction_id))


def _settled(key: str, reason: str) -> str:
    rules.setting(key)
    return rules.check_reason(reason)


def _write(
    session: Session, model: Any, mine: Any, where: dict[str, int], what: tuple[str, str, str]
) -> None:
    key, now, wanted = what
    values = {"value": wanted, "set_at": clock.now()}
    if not wanted:
        session.execute(delete(model).where(*mine))
    elif now:
        session.execute(update(model).where(*mine).values(**values))
    else:
        session.execute(insert(model).values(key=key, **where, **values))


def _act(key: str, now: str, wanted: str, reason: str) -> Act:
    private = {"reason": reason}
    facts = {"key": key, "from": now, "to": wanted}
    if rules.setting(key).sort is Sort.TEXT:
        private |= {"was": now, "becomes": wanted}
        facts |= {
            "from": SET if now else INHERITED,
            "to": SET if wanted else INHERITED,
        }
    return Act(CHANGED, f"setting:{key}", facts, private)
