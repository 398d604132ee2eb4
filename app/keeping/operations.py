"""What keeping leaves in the database: how backups and drills went, and what retention erases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from app.core import clock
from app.core.db import overwrite_deleted, transaction
from app.core.jobs import MARK_KEY, secret_mark
from app.core.record import SystemValue
from app.keeping.fields import FIELDS
from app.people.models import LoginSession
from app.people.steps import security
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from app.core.actor import Actor


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a backup or a drill went: `code` is the rule that broke, `why` says it in a sentence."""

    name: str
    ok: bool
    seconds: str = ""
    size: int = 0
    code: str = ""
    why: str = ""


def note_outcome(actor: Actor, *, outcome: Outcome) -> None:
    """Keep how a `backup` or a `drill` went, for the system home and whoever looks after it."""
    # On a full disk a backup fails; that it did must still be seen.
    with transaction(small=True) as session:
        require(actor, Permission.BACKUP_RUN, Place())
        now = clock.to_record(clock.now())
        _keep(session, outcome, now)
        kind = f"{outcome.name}.{'done' if outcome.ok else 'failed'}"
        security(session, kind, bytes=outcome.size, broken=outcome.code)


def _keep(session: Session, outcome: Outcome, at: str) -> None:
    values = {
        "at": at,
        "ok": "1" if outcome.ok else "0",
        "error": outcome.code,
        "why": outcome.why,
    }
    if outcome.ok:
        values |= {"good_at": at, "seconds": outcome.seconds, "bytes": str(outcome.size)}
    for key, value in values.items():
        _set(session, f"last_{outcome.name}_{key}", value)


def _set(session: Session, key: str, value: str) -> None:
    stored = session.get(SystemValue, key)
    if stored is None:
        session.add(SystemValue(key=key, value=value))
    else:
        stored.value = value


def note_restored(actor: Actor, *, backup: Outcome, created_at: str, replayed: int) -> None:
    """Note a restore, and end the sessions of whoever works here.

    A session that was ended since the backup would be open again. No backup can hold its own
    outcome; that it was restored says that it was good, and is the best of drills.
    """
    with transaction() as session:
        require(actor, Permission.BACKUP_RUN, Place())
        _keep(session, backup, created_at)
        drill = Outcome("drill", ok=True, seconds=backup.seconds)
        _keep(session, drill, clock.to_record(clock.now()))
        session.execute(
            update(LoginSession)
            .where(LoginSession.staff, LoginSession.ended_at.is_(None))
            .values(ended_at=clock.now())
        )
        _set(session, "last_restore_at", clock.to_record(clock.now()))
        security(session, "backup.restored", backup=created_at, erased_again=replayed)


def accept_secret(actor: Actor) -> None:
    """Use this database with the present secret from now on, since the old one is lost for good.

    What the old one keyed stays unreadable: codes, cookies, second factors.
    """
    with transaction() as session:
        require(actor, Permission.BACKUP_RUN, Place())
        _set(session, MARK_KEY, secret_mark())
        security(session, "secret.accepted")


def note_moved(actor: Actor, *, rows: int) -> None:
    """Note in the new database that it came from another engine."""
    with transaction() as session:
        require(actor, Permission.BACKUP_RUN, Place())
        security(session, "database.moved", rows=rows)


def erase_batch(actor: Actor, *, field: str, before: datetime, most: int) -> int:
    """Erase at most so many rows of a field whose time is over; gives how many went."""
    with transaction() as session:
        require(actor, Permission.RETENTION_RUN, Place())
        overwrite_deleted(session)
        erased = 0
        for model, over in FIELDS[field]:
            ids = session.scalars(
                select(model.id).where(over(before)).order_by(model.id).limit(most - erased)
            ).all()
            if ids:
                session.execute(delete(model).where(model.id.in_(ids)))
            erased += len(ids)
        if erased:
            security(session, "retention.erased", field=field, rows=erased)
        return erased


def note_retention(actor: Actor, *, erased: Mapping[str, int]) -> None:
    """Leave one line about a whole run, also when there was nothing to erase."""
    with transaction() as session:
        require(actor, Permission.RETENTION_RUN, Place())
        security(session, "retention.run", **erased)
        _set(session, "last_retention_at", clock.to_record(clock.now()))
