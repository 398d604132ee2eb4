"""What was used up or let go since a backup must not serve again when the backup is brought back.

The notes lie outside the database (core/erasures.py) and hold hashes and internal numbers alone.
Source: docs/adr/0034.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from app.core import clock, erasures
from app.core.actor import SYSTEM
from app.core.db import transaction
from app.core.errors import NotFound
from app.people.models import Passkey, RecoveryCode
from app.people.steps import security
from app.policy.table import Permission, Place, require

if TYPE_CHECKING:
    from app.core.actor import Actor


def note_code(code_hash: str) -> None:
    """Note that a recovery code was used. Raises: OSError; then it is not used."""
    erasures.note("recovery_code", code=code_hash)


def note_passkey(credential_id: str) -> None:
    """Note that a passkey was let go. Raises: OSError; then it is not."""
    erasures.note("passkey", key=_hash(credential_id))


def _hash(credential_id: str) -> str:
    return hashlib.sha256(credential_id.encode()).hexdigest()


def use_code_again(actor: Actor, *, code_hash: str) -> None:
    """Use up a recovery code that was used before the restore. Raises: NotFound."""
    with transaction() as session:
        require(actor, Permission.BACKUP_RUN, Place())
        used = session.execute(
            update(RecoveryCode)
            .where(RecoveryCode.code_hash == code_hash, RecoveryCode.used_at.is_(None))
            .values(used_at=clock.now())
        )
        if used.rowcount == 0:  # type: ignore[attr-defined]
            raise NotFound("code")
        security(session, "staff.recovery_used_again")


def remove_passkey_again(actor: Actor, *, key_hash: str) -> None:
    """Let go of a passkey that was let go before the restore. Raises: NotFound."""
    with transaction() as session:
        require(actor, Permission.BACKUP_RUN, Place())
        known = session.execute(select(Passkey.id, Passkey.credential_id))
        found = next((row.id for row in known if _hash(row.credential_id) == key_hash), None)
        if found is None:
            raise NotFound("passkey")
        session.execute(delete(Passkey).where(Passkey.id == found))
        security(session, "staff.passkey_removed_again")


@erasures.erases("recovery_code")
def _code_again(ids: dict[str, str]) -> None:
    use_code_again(SYSTEM, code_hash=ids["code"])


@erasures.erases("passkey")
def _passkey_again(ids: dict[str, str]) -> None:
    remove_passkey_again(SYSTEM, key_hash=ids["key"])
