"""What is due by time: a row written with the change it follows from, taken with a lease.

Rooms register a handler for each kind of job. Every job may run twice without harm.
"""

import hashlib
import hmac
import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, current_app
from sqlalchemy import ColumnElement, Index, String, Text, UniqueConstraint, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock, space
from app.core.db import Base, db, transaction
from app.core.errors import NotSaved, ReadOnly
from app.core.record import SystemValue

log = logging.getLogger("linyi.jobs")

LEASE = timedelta(minutes=5)
# No lease lasts longer, and no failed job waits longer.
LONGEST_WAIT = timedelta(hours=1)
PAUSE_SECONDS = 1.0
# The worker says that it lives; whoever looks after the installation asks how long ago.
SEEN_KEY = "worker_seen_at"
# Which secret a database is used with; another one opens no cookie, no code, no second factor.
MARK_KEY = "secret_mark"
SEEN_EVERY = timedelta(seconds=30)
PLAN_EVERY = 60
Handler = Callable[[dict[str, Any]], None]
Planner = Callable[[datetime, Any], datetime | None]
# What one worker took and does not know to be finished: the job's id and the end of its lease.
Hand = dict[int, datetime]
_handlers: dict[str, Handler] = {}
_leases: dict[str, timedelta] = {}
_planners: dict[str, Planner] = {}


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


def handles(kind: str, lease: timedelta = LEASE) -> Callable[[Handler], Handler]:
    """Register the function that does jobs of this kind, and how long it may take."""

    def register(handler: Handler) -> Handler:
        _handlers[kind], _leases[kind] = handler, lease
        return handler

    return register


def enqueue(session: Session, kind: str, key: str, due_at: datetime, **payload: Any) -> None:
    """Write a job in the caller's transaction; the same kind and key replace an undone one."""
    job = session.scalar(select(Job).where(Job.kind == kind, Job.key == key))
    if job is None:
        session.add(Job(kind=kind, key=key, payload=payload, due_at=due_at))
        return
    job.payload, job.due_at, job.done_at, job.lease_until = payload, due_at, None, None


def recurs(kind: str, planner: Planner) -> None:
    """Let a kind of job come again and again.

    The planner is given the time and the settings, and gives the next time, or None when the
    installation does not want it.
    """
    _planners[kind] = planner


def plan_recurring() -> None:
    """Write the next job of every recurring kind that has none waiting. Safe to run twice."""
    now, settings = clock.now(), current_app.config["SETTINGS"]
    waiting = set(
        db.session.scalars(select(Job.kind).where(Job.kind.in_(_planners), Job.done_at.is_(None)))
    )
    db.session.rollback()
    for kind in sorted(set(_planners) - waiting):
        due_at = _planners[kind](now, settings)
        if due_at is not None:
            _plan(kind, due_at)


def _plan(kind: str, due_at: datetime) -> None:
    try:
        with transaction() as session:
            enqueue(session, kind, due_at.isoformat(), due_at)
    except IntegrityError:
        # Another worker was quicker; its job is the same one.
        log.info("already planned", extra={"kind": kind})


def run_due(hand: Hand | None = None) -> int:
    """Do everything that is due now; gives how many jobs were done.

    On a nearly full disk nothing is taken: what is due waits in its row until there is room.
    What is left in `hand` was begun and could not be written down; `give_back` frees it.
    """
    if space.watch().full():
        return 0
    hand, done = {} if hand is None else hand, 0
    while (taken := _take(hand)) is not None:
        done += _do(*taken, hand)
    return done


def give_back(hand: Hand) -> None:
    """Free the jobs that this worker holds and is not doing, so that they need no lease to end.

    When the database leaves in the middle of a job, or the commit that took it is not answered,
    only this worker knows that nobody is at it. A lease that somebody else has taken since stays.
    """
    while hand:
        job_id, until = next(iter(hand.items()))
        with transaction() as session:
            mine = (Job.id == job_id, Job.done_at.is_(None), Job.lease_until == until)
            session.execute(update(Job).where(*mine).values(lease_until=None))
        del hand[job_id]


def _take(hand: Hand | None = None) -> tuple[int, str, dict[str, Any]] | None:
    now = clock.now()
    if db.session.scalar(_due(now).limit(1)) is None:
        db.session.rollback()
        return None
    with transaction() as session:
        wanted = _due(now).order_by(Job.due_at, Job.id).limit(1).with_for_update(skip_locked=True)
        job_id = session.scalar(wanted)
        if job_id is None:
            return None
        job = session.get_one(Job, job_id)
        job.lease_until = now + _leases.get(job.kind, LEASE)
        job.attempts += 1
        if hand is not None:
            # Before the commit: when that is not answered, the lease may stand all the same.
            hand[job.id] = job.lease_until
        return job.id, job.kind, job.payload


def in_nobodys_hand(now: datetime) -> ColumnElement[bool]:
    """The jobs that no worker holds a valid lease of."""
    # A lease that ends later than any lease can was given by a clock that was ahead.
    return (
        Job.lease_until.is_(None) | (Job.lease_until < now) | (Job.lease_until > now + LONGEST_WAIT)
    )


def _due(now: datetime) -> Any:
    return select(Job.id).where(Job.done_at.is_(None), Job.due_at <= now, in_nobodys_hand(now))


def _do(job_id: int, kind: str, payload: dict[str, Any], hand: Hand | None = None) -> int:
    try:
        _handlers[kind](payload)
    except ReadOnly:
        # The disk filled up meanwhile. It stays in the worker's hand until there is room.
        log.warning("job waits for room", extra={"job": job_id, "kind": kind})
        return 0
    except Exception as error:
        # Whatever it is, this job waits a little longer each time and those after it are done.
        log.exception("job failed", extra={"job": job_id, "kind": kind})
        _put_off(job_id, repr(error))
        _let_go(hand, job_id)
        return 0
    with transaction() as session:
        session.execute(update(Job).where(Job.id == job_id).values(done_at=clock.now()))
    _let_go(hand, job_id)
    return 1


def _let_go(hand: Hand | None, job_id: int) -> None:
    if hand is not None:
        hand.pop(job_id, None)


def _put_off(job_id: int, error: str) -> None:
    """Try again later: after 2, 4, 8 … seconds, at most an hour."""
    with transaction() as session:
        job = session.get_one(Job, job_id)
        wait = min(timedelta(seconds=2 ** min(job.attempts, 12)), LONGEST_WAIT)
        job.lease_until = clock.now() + wait
        job.last_error = error[:500]


def secret_mark() -> str:
    """What the database keeps of the secret in use, to tell it from another; it opens nothing."""
    secret = current_app.config["SETTINGS"].secret_key.encode()
    return hmac.new(secret, b"linyi/mark", hashlib.sha256).hexdigest()


def beat() -> None:
    """Write down that the worker lives, at most every half minute, and at first with which secret.

    A mark that is there stays: a lost secret is made anew at the start, and that must be seen.
    """
    now = clock.now()
    last = db.session.scalar(select(SystemValue.value).where(SystemValue.key == SEEN_KEY))
    db.session.rollback()
    if last is not None and abs(now - clock.from_record(last)) < SEEN_EVERY:
        return
    with transaction() as session:
        session.merge(SystemValue(key=SEEN_KEY, value=clock.to_record(now)))
        if session.get(SystemValue, MARK_KEY) is None:
            session.add(SystemValue(key=MARK_KEY, value=secret_mark()))


def work(app: Flask, stop: threading.Event) -> None:
    """Do due jobs until told to stop or until the process ends; a job begun is finished."""
    turn, hand = 0, Hand()
    while not stop.is_set() and threading.main_thread().is_alive():
        try:
            with app.app_context():
                if not space.watch().full():
                    give_back(hand)
                    beat()
                    if turn % PLAN_EVERY == 0:
                        plan_recurring()
                run_due(hand)
        except NotSaved:
            log.warning("the worker could not write and tries again")
        except Exception:
            # The worker must outlive any fault: a poll that does not close harms everybody.
            log.exception("worker fault")
        turn += 1
        stop.wait(PAUSE_SECONDS)


def start_thread(app: Flask) -> threading.Event:
    """Run the worker beside the web threads of this process; set the event to stop it.

    The thread is no daemon: a process that ends waits for the job in hand, at most a second
    longer than that job takes.
    """
    stop = threading.Event()
    threading.Thread(target=work, args=(app, stop), name="linyi-worker").start()
    return stop
