"""Keeping a passkey that has been made, inside the transaction of whoever makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from app.core import clock
from app.core.errors import RuleBroken
from app.people.models import Passkey
from app.people.steps import security

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from app.people.models import StaffAccount
    from app.people.passkeys import NewKey


def keep(session: Session, account: StaffAccount, new: NewKey, name: str) -> None:
    """Write a new passkey and its line. Raises: RuleBroken passkey.known."""
    session.add(
        Passkey(
            account_id=account.id,
            credential_id=new.credential_id,
            public_key=new.public_key,
            name=name,
            made_at=clock.now(),
            sign_count=new.sign_count,
        )
    )
    try:
        session.flush()
    except IntegrityError as error:
        raise RuleBroken("passkey.known") from error
    security(session, "staff.passkey_added", person_id=account.person_id)
