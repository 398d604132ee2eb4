"""What is due by time: a row written with the change it follows from, taken with a lease.

Rooms register a handler for each kind of job. Every job may run twice without harm.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import Index, String, Text, UniqueConstraint, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock
from app.core.db import Base, db, transaction
from app.core.errors import Refusal, SaveUnknown

log = logging.getLogger("linyi.jobs")

LEASE = timedelta(minutes=5)
# No lease lasts longer, and no failed job waits longer.
LONGEST_WAIT = timedelta(hours=1)
PAUSE_SECONDS = 1.0
Handler = Callable[[dict[str, Any]], None]
_handlers: dict[str, Handler] = {}


class Job(Base):
    """One thing to do at or after `due_at`. `key` keeps the same job from being written twice."""

    __tablename__ = "job"
    __table_args__ = (
        UniqueConstraint("kind", "key"),
        Index("ix_job_open", "done_at", "due_at"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(120))
    payload: Mapped[dict[str, Any]]
    due_at: Mapped[datetime]
    lease_until: Mapped[datetime | None] = mapped_column(default=None)
    done_at: Mapped[datetime | None] = mapped_column(default=None)
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(Text, default="")


def handles(kind: str) -> Callable[[Handler], Handler]:
    """Register the function that does jobs of this kind."""

    def register(handler: Handler) -> Handler:
        _handlers[kind] = handler
        return handler

    return register


def enqueue(session: Session, kind: str, key: str, due_at: datetime, **payload: Any) -> None:
    """Write a job in the caller's transaction; the same kind and key replace an undone one."""
    job = session.scalar(select(Job).where(Job.kind == kind, Job.key == key))
    if job is None:
        session.add(Job(kind=kind, key=key, payload=payload, due_at=due_at))
        return
    job.payload, job.due_at, job.done_at, job.lease_until = payload, due_at, None, None


def run_due() -> int:
    """Do everything that is due now; gives how many jobs were done."""
    done = 0
    while (taken := _take()) is not None:
        done += _do(*taken)
    return done


def _take() -> tuple[int, str, dict[str, Any]] | None:
    now = clock.now()
    if db.session.scalar(_due(now).limit(1)) is None:
        db.session.rollback()
        return None
    with transaction() as session:
        wanted = _due(now).order_by(Job.due_at, Job.id).limit(1).with_for_update(skip_locked=True)
        job_id = session.scalar(wanted)
        if job_id is None:
            return None
        row = session.execute(
            update(Job)
            .where(Job.id == job_id)
            .values(lease_until=now + LEASE, attempts=Job.attempts + 1)
            .returning(Job.id, Job.kind, Job.payload)
        ).one()
        return row.id, row.kind, row.payload


def _due(now: datetime) -> Any:
    # A lease that ends later than any lease can was given by a clock that was ahead.
    free = (
        Job.lease_until.is_(None) | (Job.lease_until < now) | (Job.lease_until > now + LONGEST_WAIT)
    )
    return select(Job.id).where(Job.done_at.is_(None), Job.due_at <= now, free)


def _do(job_id: int, kind: str, payload: dict[str, Any]) -> int:
    try:
        _handlers[kind](payload)
    except (
        Refusal,
        SaveUnknown,
        DBAPIError,
        OSError,
        LookupError,
        ValueError,
    ) as error:
        log.exception("job failed", extra={"job": job_id, "kind": kind})
        _put_off(job_id, repr(error))
        return 0
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(done_at=clock.now()))
    return 1


def _put_off(job_id: int, error: str) -> None:
    """Try again later: after 2, 4, 8 … seconds, at most an hour."""
    with transaction() as session:
        job = session.get_one(Job, job_id)
        wait = min(timedelta(seconds=2 ** min(job.attempts, 12)), LONGEST_WAIT)
        job.lease_until = clock.now() + wait
        job.last_error = error[:500]


def work(app: Flask, stop: threading.Event) -> None:
    """Do due jobs until told to stop."""
    while not stop.is_set():
        try:
            with app.app_context():
                run_due()
        except Exception:
            # The worker must outlive any fault: a poll that does not close harms everybody.
            log.exception("worker fault")
        stop.wait(PAUSE_SECONDS)


def start_thread(app: Flask) -> threading.Event:
    """Run the worker beside the web threads of this process; set the event to stop it."""
    stop = threading.Event()
    threading.Thread(target=work, args=(app, stop), name="linyi-worker", daemon=True).start()
    return stop
