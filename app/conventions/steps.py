"""What a signature is, for whoever lets somebody sign inside their own transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from app.conventions import rules
from app.conventions.models import Convention, Signature
from app.conventions.rules import State
from app.core import canonical as c
from app.core import clock
from app.core import record as records
from app.core.errors import NotFound, RuleBroken
from app.core.record import Act, record

if TYPE_CHECKING:
    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from app.core.actor import Actor

SIGNED = records.register(
    "convention.signed",
    {"version", "text_sha256"},
    meaning="somebody pledges to keep the text; the hour alone, no name, no household",
)
WITHDRAWN = records.register(
    "convention.withdrawn",
    {"version", "text_sha256"},
    meaning="somebody takes a pledge back; the hour alone, no name, no household",
)


@dataclass(frozen=True, slots=True)
class Signed:
    """A pledge as its receipt shows it; `again` when it was there before."""

    check_code: str
    again: bool


def sign(
    session: Session,
    actor: Actor,
    community_id: int,
    number: int,
    text_sha256: str,
    drawing: str = "",
) -> Signed:
    """Write a pledge of the actor's own, once for each person.

    Raises: NotFound; RuleBroken convention.*; IntegrityError when the same person signs at the
    same moment.
    """
    version = _signable(session, community_id, number, text_sha256)
    strokes = rules.drawing_from(drawing)
    known = signature_of(session, version, actor.require_person())
    if known is not None and known.withdrawn_at is None:
        return Signed(c.check_code(bytes.fromhex(known.leaf)), again=True)
    data = {"version": version.number, "text_sha256": version.text_sha256}
    act = Act(SIGNED, rules.subject_of(version.number), data, acted_as="resident")
    written = record(session, actor, act, community_id)
    if known is None:
        known = _new_signature(version, actor.require_person(), written.leaf)
        session.add(known)
    known.drawing, known.leaf = list(strokes), written.leaf
    known.signed_at, known.withdrawn_at = clock.now(), None
    return Signed(written.check_code, again=False)


def withdraw(session: Session, actor: Actor, community_id: int, number: int) -> None:
    """Take the actor's own pledge back; the drawn name is forgotten. Raises: NotFound."""
    version = session.scalar(version_of(community_id, number))
    known = signature_of(session, version, actor.require_person()) if version else None
    if version is None or known is None or known.withdrawn_at is not None:
        raise NotFound("signature")
    known.withdrawn_at, known.drawing = clock.now(), []
    data = {"version": version.number, "text_sha256": version.text_sha256}
    act = Act(WITHDRAWN, rules.subject_of(version.number), data, acted_as="resident")
    record(session, actor, act, community_id)


def _signable(session: Session, community_id: int, number: int, text_sha256: str) -> Convention:
    version = session.scalar(version_of(community_id, number))
    if version is None or version.state == State.DRAFT:
        raise NotFound("convention")
    in_force = session.scalar(
        select(func.max(Convention.number)).where(
            Convention.community_id == community_id, Convention.state == State.PUBLISHED.value
        )
    )
    if version.number != in_force:
        raise RuleBroken("convention.not_in_force")
    if version.text_sha256 != text_sha256:
        raise RuleBroken("convention.text_changed")
    return version


def _new_signature(version: Convention, person_id: int, leaf: str) -> Signature:
    return Signature(
        community_id=version.community_id,
        convention_id=version.id,
        person_id=person_id,
        text_sha256=version.text_sha256,
        drawing=[],
        signed_at=clock.now(),
        leaf=leaf,
    )


def signature_of(session: Session, version: Convention, person_id: int) -> Signature | None:
    """The pledge of one person to a version, held; None without one."""
    return session.scalar(
        select(Signature)
        .where(
            Signature.community_id == version.community_id,
            Signature.convention_id == version.id,
            Signature.person_id == person_id,
        )
        .with_for_update()
    )


def version_of(community_id: int, number: int) -> Select[Convention]:
    """One version of a community's convention."""
    mine = Convention.community_id == community_id, Convention.number == number
    return select(Convention).where(*mine)
