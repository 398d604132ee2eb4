"""Codes that stand in for a staff member's six digits, each once, when the phone is not at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, update

from app.people import restored, rules, secrets_box
from app.people.models import RecoveryCode

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

# No account has it, so that a try that must fail asks the database as much as any other.
NO_ACCOUNT = 0


def replace(session: Session, account_id: int, now: datetime) -> list[str]:
    """Give an account new codes and void the old; nowhere but in the answer are they in clear."""
    codes = [secrets_box.new_code() for _number in range(rules.RECOVERY_CODES)]
    old = session.scalars(
        delete(RecoveryCode)
        .where(RecoveryCode.account_id == account_id)
        .returning(RecoveryCode.code_hash)
    )
    for code_hash in old.all():
        restored.note_code(code_hash)
    session.execute(
        insert(RecoveryCode),
        [
            {
                "account_id": account_id,
                "code_hash": secrets_box.hash_recovery(account_id, code),
                "made_at": now,
            }
            for code in codes
        ],
    )
    return codes


def spend(session: Session, account_id: int, typed: str, now: datetime) -> bool:
    """Use up what was typed if it is an unused code of the account; of two at once one succeeds."""
    code_hash = secrets_box.hash_recovery(account_id, rules.clean_code(typed))
    used = session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.account_id == account_id,
            RecoveryCode.code_hash == code_hash,
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    if used.rowcount != 1:  # type: ignore[attr-defined]
        return False
    restored.note_code(code_hash)
    return True
