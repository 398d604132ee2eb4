"""The append-only consultation record: one log per tenant, chained, with signed checkpoints.

Rooms register their kinds of entry with the facts each must carry. Names, phones and free text
never enter in clear: they go in as commitments, whose salts and values live in their own table.
Source: docs/record-format.md.
"""

import base64
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import current_app
from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import canonical as c
from app.core import clock
from app.core.actor import Actor, Role
from app.core.db import Base, db

HOURLY = ("ballot.", "checkin.", "convention.signed", "convention.withdrawn")


# A community's code is in capitals: the log of a place above never takes its name.
ABOVE_PREFIX = "d-"


@dataclass(frozen=True, slots=True)
class Above:
    """The tenant of a log that is no community's: a city, a district or a subdistrict."""

    jurisdiction_id: int


# Whose log: a community by its id, or a place above communities.
Tenant = int | Above


def _one_tenant() -> CheckConstraint:
    return CheckConstraint("(community_id IS NULL) <> (jurisdiction_id IS NULL)", name="one_tenant")


def _above_key(table: str, *columns: str) -> Index:
    """Unique among the rows of places above alone: a ballot's entry pays nothing for it."""
    rows = text("jurisdiction_id IS NOT NULL")
    name = f"uq_{table}_above"
    return Index(
        name, "jurisdiction_id", *columns, unique=True, sqlite_where=rows, postgresql_where=rows
    )


class RecordLog(Base):
    """A tenant's log: how long it is, its last leaf, and the tops of its subtrees."""

    __tablename__ = "record_log"
    __table_args__ = (_one_tenant(),)

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"), unique=True)
    code: Mapped[str] = mapped_column(String(60), unique=True)
    jurisdiction_id: Mapped[int | None] = mapped_column(
        ForeignKey("jurisdiction.id"), unique=True, default=None
    )
    size: Mapped[int] = mapped_column(default=0)
    head: Mapped[str] = mapped_column(String(64), default=c.NO_HASH)
    frontier: Mapped[str] = mapped_column(Text, default="[]")
    last_at: Mapped[datetime | None] = mapped_column(default=None)


class RecordEntry(Base):
    """One act, in the canonical bytes that are hashed. Never changed, never deleted."""

    __tablename__ = "record_entry"
    __table_args__ = (
        UniqueConstraint("community_id", "seq"),
        _above_key("record_entry", "seq"),
        _one_tenant(),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"))
    seq: Mapped[int]
    kind: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(100), index=True)
    leaf: Mapped[str] = mapped_column(String(64), index=True)
    entry: Mapped[str] = mapped_column(Text)
    jurisdiction_id: Mapped[int | None] = mapped_column(ForeignKey("jurisdiction.id"), default=None)


class RecordOpening(Base):
    """The salt and value behind a commitment. Erasing the row leaves the log whole."""

    __tablename__ = "record_opening"
    __table_args__ = (
        UniqueConstraint("community_id", "seq", "name"),
        _above_key("record_opening", "seq", "name"),
        _one_tenant(),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"))
    seq: Mapped[int]
    name: Mapped[str] = mapped_column(String(40))
    salt: Mapped[str] = mapped_column(String(64))
    value: Mapped[str] = mapped_column(Text)
    jurisdiction_id: Mapped[int | None] = mapped_column(ForeignKey("jurisdiction.id"), default=None)


class RecordCheckpoint(Base):
    """A signed note over the log at one size."""

    __tablename__ = "record_checkpoint"
    __table_args__ = (
        UniqueConstraint("community_id", "size"),
        _above_key("record_checkpoint", "size"),
        _one_tenant(),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int | None] = mapped_column(ForeignKey("community.id"))
    size: Mapped[int]
    note: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime]
    jurisdiction_id: Mapped[int | None] = mapped_column(ForeignKey("jurisdiction.id"), default=None)


class SystemValue(Base):
    """What an installation fixes once, such as the host its logs are named after."""

    __tablename__ = "system_value"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


# Every ballot writes these, and an object for each row would cost as much as the disk.
_ENTRY = cast("Table", RecordEntry.__table__)
_OPENING = cast("Table", RecordOpening.__table__)
_LOG = cast("Table", RecordLog.__table__)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of entry: its name, the facts it carries, the commitments it carries."""

    name: str
    facts: frozenset[str]
    private: frozenset[str] = frozenset()
    meaning: str = ""


KINDS: dict[str, Kind] = {}


def register(
    name: str, facts: set[str], private: set[str] | None = None, meaning: str = ""
) -> Kind:
    """Make a kind of entry known. Raises: ValueError if the name is taken."""
    if name in KINDS:
        raise ValueError(f"entry kind {name} is registered twice")
    KINDS[name] = Kind(name, frozenset(facts), frozenset(private or ()), meaning)
    return KINDS[name]


@dataclass(frozen=True, slots=True)
class Written:
    """Where an entry stands in its log."""

    seq: int
    leaf: str
    at: datetime

    @property
    def check_code(self) -> str:
        """The code a receipt prints."""
        return c.check_code(bytes.fromhex(self.leaf))


@dataclass(frozen=True, slots=True)
class Act:
    """What an operation hands to the record."""

    kind: Kind
    subject: str
    data: Mapping[str, object]
    private: Mapping[str, object] = field(default_factory=dict)
    acted_as: str = ""


@dataclass(frozen=True, slots=True)
class HeldLog:
    """A log whose row this transaction has locked; the columns of RecordLog by the same names."""

    id: int
    community_id: int | None
    jurisdiction_id: int | None
    code: str
    size: int
    head: str
    frontier: str
    last_at: datetime | None


def of_tenant(model: Any, tenant: Tenant) -> ColumnElement[bool]:
    """That a row of the record belongs to a tenant, as a condition."""
    condition: ColumnElement[bool] = (
        model.jurisdiction_id == tenant.jurisdiction_id
        if isinstance(tenant, Above)
        else model.community_id == tenant
    )
    return condition


def open_log(session: Session, tenant: Tenant, code: str) -> None:
    """Begin a tenant's log. The code is part of every entry and never changes."""
    if isinstance(tenant, Above):
        above = tenant.jurisdiction_id
        name = ABOVE_PREFIX + code
        session.add(RecordLog(community_id=None, jurisdiction_id=above, code=name))
    else:
        session.add(RecordLog(community_id=tenant, code=code))


def record(
    session: Session,
    actor: Actor,
    act: Act,
    tenant: Tenant,
    held: HeldLog | None = None,
    at: datetime | None = None,
) -> Written:
    """Append one act to the tenant's log, inside the caller's transaction.

    The log's row is locked first, so entries are numbered without gaps; `held` is for who locked
    it already, and good for one entry. `at` is the moment by which the act was decided, read after
    the lock: a second look at the clock could fall behind a deadline that the act was in time for.
    `acted_as` is the role; empty means the actor's role in this community or place above.
    Raises: ValueError for facts the kind lacks.
    """
    _check_facts(act)
    log = held or _lock(session, tenant)
    at = at or clock.now()
    role = act.acted_as or _role(actor, tenant).value
    openings: dict[str, tuple[bytes, object]] = {
        name: (secrets.token_bytes(32), value) for name, value in act.private.items()
    }
    person = {"person": actor.person_ref} if actor.person_ref else None
    actor_salt = secrets.token_bytes(32)
    entry = {
        "v": 1,
        "log": log.code,
        "seq": log.size,
        "at": clock.to_record(_hour(at) if act.kind.name.startswith(HOURLY) else at),
        "kind": act.kind.name,
        "subject": act.subject,
        "actor": role,
        "actor_c": c.commitment(actor_salt, person) if person else None,
        "data": dict(act.data),
        "private": {name: c.commitment(salt, value) for name, (salt, value) in openings.items()},
        "prev": log.head,
    }
    if person:
        openings["actor_c"] = (actor_salt, person)
    return _append(session, log, act, entry, openings, at)


def _role(actor: Actor, tenant: Tenant) -> Role:
    if isinstance(tenant, Above):
        return actor.role_above(tenant.jurisdiction_id)
    return actor.role_in(tenant)


def _append(
    session: Session,
    log: HeldLog,
    act: Act,
    entry: dict[str, object],
    openings: dict[str, tuple[bytes, object]],
    at: datetime,
) -> Written:
    whole = c.canonical(entry)
    leaf = c.leaf_hash(whole)
    frontier = c.push(_load(log.frontier), leaf)
    session.execute(
        insert(_ENTRY).values(
            community_id=log.community_id,
            jurisdiction_id=log.jurisdiction_id,
            seq=log.size,
            kind=act.kind.name,
            subject=act.subject,
            leaf=leaf.hex(),
            entry=whole.decode(),
        )
    )
    rows = [
        {
            "community_id": log.community_id,
            "jurisdiction_id": log.jurisdiction_id,
            "seq": log.size,
            "name": name,
            "salt": salt.hex(),
            "value": c.canonical(value).decode(),
        }
        for name, (salt, value) in sorted(openings.items())
    ]
    if rows:
        session.execute(insert(_OPENING), rows)
    session.execute(
        update(_LOG)
        .where(_LOG.c.id == log.id)
        .values(
            size=log.size + 1,
            head=leaf.hex(),
            frontier=_dump(frontier),
            # The latest so far: entries need not rise, openings and closings must not fall back.
            last_at=max(at, log.last_at or at),
        )
    )
    return Written(seq=log.size, leaf=leaf.hex(), at=at)


def _check_facts(act: Act) -> None:
    if KINDS.get(act.kind.name) is not act.kind:
        raise ValueError(f"entry kind {act.kind.name} is not registered")
    if set(act.data) != act.kind.facts or set(act.private) - act.kind.private:
        raise ValueError(
            f"{act.kind.name} carries {sorted(act.kind.facts)}, got {sorted(act.data)}"
        )


_HELD = select(*(_LOG.c[name] for name in HeldLog.__dataclass_fields__))
_LOCK = _HELD.where(_LOG.c.community_id == bindparam("wanted")).with_for_update()
_LOCK_ABOVE = _HELD.where(_LOG.c.jurisdiction_id == bindparam("wanted")).with_for_update()


def _lock(session: Session, tenant: Tenant) -> HeldLog:
    if isinstance(tenant, Above):
        return HeldLog(*session.execute(_LOCK_ABOVE, {"wanted": tenant.jurisdiction_id}).one())
    return HeldLog(*session.execute(_LOCK, {"wanted": tenant}).one())


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _load(frontier: str) -> list[bytes | None]:
    return [bytes.fromhex(top) if top else None for top in json.loads(frontier)]


def _dump(frontier: list[bytes | None]) -> str:
    return json.dumps([top.hex() if top else None for top in frontier])


# --- erasing ------------------------------------------------------------------------------------


def forget_openings(session: Session, tenant: Tenant, subject: str) -> None:
    """Erase what the entries about a thing opened; the entries and their hashes stay."""
    about = select(RecordEntry.seq).where(
        of_tenant(RecordEntry, tenant), RecordEntry.subject == subject
    )
    session.execute(
        delete(RecordOpening).where(of_tenant(RecordOpening, tenant), RecordOpening.seq.in_(about))
    )


def forget_actor(session: Session, person_ref: str) -> None:
    """Erase every opening that says that an act was this person's."""
    value = c.canonical({"person": person_ref}).decode()
    session.execute(delete(RecordOpening).where(RecordOpening.value == value))


# --- checkpoints -------------------------------------------------------------------------------


def checkpoint(session: Session, tenant: Tenant) -> str:
    """Sign the log as it stands in this transaction, once for each size; gives the note."""
    log = _lock(session, tenant)
    mine = of_tenant(RecordCheckpoint, tenant), RecordCheckpoint.size == log.size
    existing = session.scalar(select(RecordCheckpoint.note).where(*mine))
    if existing is not None:
        return existing
    note = _sign(f"{log_host(session)}/{log.code}", log.size, c.root_of(_load(log.frontier)))
    session.execute(
        insert(RecordCheckpoint).values(
            community_id=log.community_id,
            jurisdiction_id=log.jurisdiction_id,
            size=log.size,
            note=note,
            written_at=clock.now(),
        )
    )
    return note


def latest_checkpoint(tenant: Tenant) -> str | None:
    """The newest signed note of a log, for receipts and the public record page."""
    return db.session.scalar(
        select(RecordCheckpoint.note)
        .where(of_tenant(RecordCheckpoint, tenant))
        .order_by(RecordCheckpoint.size.desc())
        .limit(1)
    )


def log_host(session: Session) -> str:
    """The host in every origin: the setting of the first start, kept ever after."""
    stored = session.get(SystemValue, "log_host")
    if stored is None:
        settings = current_app.config["SETTINGS"]
        stored = SystemValue(key="log_host", value=settings.log_host or settings.host)
        session.add(stored)
    return stored.value


def _sign(origin: str, size: int, root: bytes) -> str:
    body = c.note_body(origin, size, root)
    private = signing_key(current_app.config["SETTINGS"].record_key_path)
    public = private.public_key().public_bytes_raw()
    return c.signed_note(body, origin, public, private.sign(body.encode()))


def public_keys(origins: list[str], more: Sequence[bytes] = ()) -> list[dict[str, str]]:
    """`keys.json` of an export: the same keys under the name each log signs with.

    `more` are public keys besides the installation's own.
    """
    raws = [base64.b64encode(raw).decode() for raw in dict.fromkeys((public_key(), *more))]
    return [{"name": name, "algorithm": "ed25519", "key": raw} for name in origins for raw in raws]


def public_key() -> bytes:
    """The raw public half of the key that signs this installation's checkpoints."""
    private = signing_key(current_app.config["SETTINGS"].record_key_path)
    return private.public_key().public_bytes_raw()


def signing_key(path: Path) -> Ed25519PrivateKey:
    """The key that signs checkpoints; made on the first use, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Ed25519PrivateKey.from_private_bytes(path.read_bytes())
    key = Ed25519PrivateKey.generate()
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes_raw())
    return key
