"""Judging an installation from numbers: pure, so that every edge has its case in a test.

`None` for a fact means that it could not be looked at. Times are `datetime` in UTC.
Source of the numbers: docs/rules.md, "Keeping it".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from app.config import LOOPBACK
from app.core.status import State
from app.keeping.rules import BACKUP_FRESH, BACKUP_OLD, DRILL_FRESH, DRILL_OLD, state_of_age

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GROUP_AND_OTHERS = 0o077
OTHERS = 0o007
DISK_ATTENTION, DISK_BAD = 15, 5
CLOCK_BEHIND = timedelta(seconds=60)
CLOCKS_APART = timedelta(seconds=5)
ADDRESS_LENGTH = 60
JOB_LATE = timedelta(minutes=2)
WORKER_QUIET, WORKER_GONE = timedelta(minutes=2), timedelta(minutes=5)
TRIES = 5
OLDEST_PYTHON = (3, 11)
OLDEST_POSTGRESQL = 14
SYNCHRONOUS_FULL = 2
# A lock on these does not hold between machines, and a sync may not reach the disk.
REMOTE_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "fuse.sshfs", "vboxsf"}
)


class Check(StrEnum):
    """What is looked at, in the order in which it is told."""

    DATA = "data"
    SECRET_KEY = "secret_key"  # noqa: S105 -- the name of a check
    RECORD_KEY = "record_key"
    SLIPS = "slips"
    DISK = "disk"
    CLOCK = "clock"
    ADDRESS = "address"
    PROXY = "proxy"
    DATABASE = "database"
    MIGRATIONS = "migrations"
    DURABILITY = "durability"
    WORKER = "worker"
    JOBS = "jobs"
    BACKUP = "backup"
    DRILL = "drill"
    FONTS = "fonts"
    PYTHON = "python"
    PACKAGES = "packages"
    MESSAGES = "messages"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's outcome: `code` names the sentence that `facts` fill in."""

    check: Check
    state: State
    code: str
    facts: Mapping[str, object] = field(default_factory=dict)


def ok(check: Check, code: str = "ok", **facts: object) -> Finding:
    """Say that nothing needs doing."""
    return Finding(check, State.OK, code, facts)


def attention(check: Check, code: str, **facts: object) -> Finding:
    """Say that something should be done soon."""
    return Finding(check, State.ATTENTION, code, facts)


def bad(check: Check, code: str, **facts: object) -> Finding:
    """Say that something must be done now."""
    return Finding(check, State.BAD, code, facts)


def worst(findings: Sequence[Finding]) -> State:
    """The worst state among findings; none is well."""
    order = list(State)
    return max((f.state for f in findings), key=order.index, default=State.OK)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder or file as the system sees it. `mode` holds the permission bits."""

    path: str
    exists: bool
    writable: bool = False
    mode: int = 0
    mine: bool = True


def data_folder(folder: Folder, *, production: bool) -> Finding:
    """Whether the portal can keep its data, and whether others on the machine can read them."""
    check, facts = Check.DATA, {"path": folder.path, "mode": f"{folder.mode:04o}"}
    if not folder.exists:
        return bad(check, "missing", **facts)
    if not folder.writable:
        return bad(check, "not_writable", **facts)
    if not folder.mode & OTHERS:
        return ok(check, **facts)
    return bad(check, "open", **facts) if production else attention(check, "open", **facts)


def secret_key(file: Folder, *, in_environment: bool, fits: bool) -> Finding:
    """Whether the key that protects cookies and codes is closed to others.

    `fits`: whether the database is used with this key and no other, as far as it knows.
    """
    if not fits:
        return bad(Check.SECRET_KEY, "other", path=file.path)
    if in_environment:
        return ok(Check.SECRET_KEY, "environment")
    return _key(Check.SECRET_KEY, file) or ok(Check.SECRET_KEY, path=file.path)


def record_key(
    file: Folder, *, signed: bool | None, inside_data: bool, production: bool
) -> Finding:
    """Whether the key that signs the record is there, closed, and kept apart from the data.

    `signed`: whether checkpoints exist that this key must have signed.
    """
    check = Check.RECORD_KEY
    if not file.exists:
        lost = bad(check, "missing", path=file.path)
        return lost if signed else attention(check, "not_yet", path=file.path)
    wrong = _key(check, file)
    if wrong:
        return wrong
    if inside_data and production:
        return bad(check, "inside_data", path=file.path)
    return ok(check, path=file.path)


def _key(check: Check, file: Folder) -> Finding | None:
    facts = {"path": file.path, "mode": f"{file.mode:04o}"}
    if not file.exists:
        return bad(check, "missing", **facts)
    if file.mode & GROUP_AND_OTHERS:
        return bad(check, "open", **facts)
    return None if file.mine else bad(check, "not_mine", **facts)


def slips(file: Folder) -> Finding:
    """Whether the first administrators' passwords still lie on the machine."""
    return attention(Check.SLIPS, "left", path=file.path) if file.exists else ok(Check.SLIPS)


def disk(percents: Sequence[int], *, read_only: bool) -> Finding:
    """Whether there is room. `percents` are whole percents free on each disk; the least counts."""
    if not percents:
        return attention(Check.DISK, "unseen")
    least = min(percents)
    if read_only:
        return bad(Check.DISK, "read_only", percent=least)
    if least < DISK_BAD:
        return bad(Check.DISK, "full", percent=least)
    if least < DISK_ATTENTION:
        return attention(Check.DISK, "low", percent=least)
    return ok(Check.DISK, percent=least)


def machine_clock(now: datetime, latest: datetime | None, database: datetime | None) -> Finding:
    """Whether the clock has stepped back behind the record, or differs from the database's."""
    if latest is not None and latest - now > CLOCK_BEHIND:
        return bad(
            Check.CLOCK, "behind", seconds=int((latest - now).total_seconds()), latest=latest
        )
    apart = abs(database - now) if database is not None else timedelta()
    seconds = int(apart.total_seconds())
    if apart > CLOCK_BEHIND:
        return bad(Check.CLOCK, "apart", seconds=seconds)
    if apart > CLOCKS_APART:
        return attention(Check.CLOCK, "apart", seconds=seconds)
    return ok(Check.CLOCK, now=now)


@dataclass(frozen=True, slots=True)
class Address:
    """The address that letters carry, taken apart."""

    text: str
    https: bool
    host: str
    path: str
    trusted: Sequence[str]


def address(base: Address, *, production: bool) -> Finding:
    """Whether people who scan a letter arrive, and whether the host is one that is answered."""
    check, facts = Check.ADDRESS, {"url": base.text, "host": base.host}
    elsewhere = base.trusted and not any(_covers(name, base.host) for name in base.trusted)
    wrong = {
        "path": base.path,
        "plain": production and not base.https,
        "long": len(base.text) > ADDRESS_LENGTH,
        "not_trusted": elsewhere,
        "loopback": production and base.host in LOOPBACK,
    }
    for code in (code for code, found in wrong.items() if found):
        return bad(check, code, length=len(base.text), most=ADDRESS_LENGTH, **facts)
    if base.host in LOOPBACK:
        return attention(check, "loopback", **facts)
    return ok(check, **facts)


def _covers(name: str, host: str) -> bool:
    return host.endswith(name) or host == name[1:] if name.startswith(".") else host == name


def proxy(hops: int, *, production: bool) -> Finding:
    """Whether the number of proxies is set: without it everybody has the proxy's address."""
    if production and hops == 0:
        return attention(Check.PROXY, "none")
    return ok(Check.PROXY, hops=hops) if hops else ok(Check.PROXY, "direct")


def database(*, reachable: bool, exists: bool, writable: bool | None, kind: str) -> Finding:
    """Whether there is a database that opens and takes changes."""
    check = Check.DATABASE
    if not exists:
        return bad(check, "missing")
    if not reachable:
        return bad(check, "closed", kind=kind)
    if writable is False:
        return bad(check, "read_only", kind=kind)
    return ok(check, kind=kind)


def migrations(current: str | None, heads: Sequence[str], known: Sequence[str]) -> Finding:
    """Whether the tables are those of this program. `current` is empty where there are none."""
    check = Check.MIGRATIONS
    if current is None:
        return attention(check, "unseen")
    if not current:
        return bad(check, "none")
    if [current] == list(heads):
        return ok(check, current=current)
    code = "behind" if current in known else "ahead"
    return bad(check, code, current=current, head=", ".join(heads))


def sqlite_durability(*, wal: bool, synchronous: int, file_system: str) -> Finding:
    """Whether an acknowledged change survives a power cut on SQLite."""
    check = Check.DURABILITY
    if file_system in REMOTE_FILE_SYSTEMS:
        return bad(check, "remote", file_system=file_system)
    if not wal or synchronous < SYNCHRONOUS_FULL:
        return bad(check, "sqlite", wal=wal, synchronous=synchronous)
    return ok(check, "sqlite_ok")


def postgresql_durability(*, fsync: str, synchronous_commit: str, version: int) -> Finding:
    """Whether an acknowledged change survives a power cut on PostgreSQL. `version` as in 15."""
    check = Check.DURABILITY
    if fsync != "on" or synchronous_commit == "off":
        return bad(check, "postgresql", fsync=fsync, synchronous_commit=synchronous_commit)
    if version < OLDEST_POSTGRESQL:
        return attention(check, "postgresql_old", version=version, oldest=OLDEST_POSTGRESQL)
    return ok(check, "postgresql_ok", version=version)


def unseen(check: Check) -> Finding:
    """The database did not answer, so nothing can be said about this."""
    return attention(check, "unseen")


def worker(
    now: datetime, seen: datetime | None, oldest_due: datetime | None, *, read_only: bool
) -> Finding:
    """Whether somebody does what is due. `oldest_due`: when the oldest open job was due."""
    check = Check.WORKER
    if read_only:
        return attention(check, "waits_for_room")
    if seen is None:
        return bad(check, "never")
    quiet = now - seen
    if quiet > WORKER_GONE:
        return bad(check, "gone", minutes=_minutes(quiet))
    if oldest_due is not None and now - oldest_due > JOB_LATE:
        return bad(check, "late", minutes=_minutes(now - oldest_due))
    if quiet > WORKER_QUIET:
        return attention(check, "quiet", minutes=_minutes(quiet))
    return ok(check)


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)


def failed_jobs(by_kind: Mapping[str, int]) -> Finding:
    """Whether jobs have failed again and again: so many of each kind after `TRIES` tries."""
    if not by_kind:
        return ok(Check.JOBS)
    number = sum(by_kind.values())
    return bad(Check.JOBS, "failed", number=number, kinds="、".join(sorted(by_kind)))


@dataclass(frozen=True, slots=True)
class Kept:
    """When a backup or drill was last tried, whether that went well, and the last that did."""

    tried: datetime | None
    ok: bool
    good: datetime | None


def backup(now: datetime, kept: Kept, *, production: bool) -> Finding:
    """Whether there is a fresh backup, as the system home judges it."""
    state = state_of_age(now, kept.good, last_ok=kept.ok, fresh=BACKUP_FRESH, old=BACKUP_OLD)
    return _kept(Check.BACKUP, now, kept, state, production=production)


def drill(now: datetime, kept: Kept, *, production: bool) -> Finding:
    """Whether a backup was restored for trial: one that never was does not count."""
    state = state_of_age(now, kept.good, last_ok=kept.ok, fresh=DRILL_FRESH, old=DRILL_OLD)
    return _kept(Check.DRILL, now, kept, state, production=production)


def _kept(check: Check, now: datetime, kept: Kept, state: State, *, production: bool) -> Finding:
    if kept.tried is None:
        # Who tries the portal out has nothing to lose yet.
        return Finding(check, state if production else State.ATTENTION, "never")
    if kept.good is None:
        return Finding(check, state, "failing")
    days = {"days": (now - kept.good).days}
    if not kept.ok:
        return Finding(check, state, "failed", days)
    return Finding(check, state, "ok" if state is State.OK else "old", days)


def fonts(number: int, folder: str) -> Finding:
    """Whether letters can be printed in Chinese."""
    return ok(Check.FONTS, number=number) if number else bad(Check.FONTS, "none", folder=folder)


def python(version: tuple[int, int]) -> Finding:
    """Whether this Python is one that the portal was tried with."""
    facts = {"version": f"{version[0]}.{version[1]}", "oldest": "3.11"}
    if version < OLDEST_PYTHON:
        return bad(Check.PYTHON, "old", **facts)
    return ok(Check.PYTHON, **facts)


def packages(pinned: Mapping[str, str], installed: Mapping[str, str]) -> Finding:
    """Whether the libraries are those the portal was tried with. Names in lower case."""
    missing = sorted(name for name in pinned if name not in installed)
    other = sorted(n for n, wanted in pinned.items() if installed.get(n, wanted) != wanted)
    if missing:
        return bad(Check.PACKAGES, "missing", names="、".join(missing))
    if other:
        return attention(Check.PACKAGES, "other", names="、".join(other))
    return ok(Check.PACKAGES, number=len(pinned))


def messages() -> Finding:
    """Neither text messages nor mail are needed: letters and the desk lead everybody in."""
    return ok(Check.MESSAGES, "not_needed")


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether the portal can be used right now, and which part cannot."""

    database: bool
    migrations: bool
    worker: bool
    writes: bool

    @property
    def ready(self) -> bool:
        """Whether everything is there."""
        return self.database and self.migrations and self.worker and self.writes


def readiness(
    now: datetime, *, migrated: bool | None, seen: datetime | None, read_only: bool
) -> Readiness:
    """Judge by the same limits as the doctor; `migrated` is None where no database answers."""
    return Readiness(
        database=migrated is not None,
        migrations=bool(migrated),
        worker=seen is not None and now - seen <= WORKER_GONE,
        writes=not read_only,
    )
