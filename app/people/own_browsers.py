"""Browsers in which somebody has come in to an account before.

Whoever knows a sign-in name can be wrong at the door as often as they like. That rests the account
for strangers; a browser of its own, which brings a pass, is judged by its own mistakes alone. A
pass opens nothing: name, password and second factor are asked for all the same.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.core.db import db
from app.people import secrets_box
from app.people.models import StaffAccount

if TYPE_CHECKING:
    from collections.abc import Sequence

# Colleagues may share a computer; whoever comes sixth takes the place of the first.
MOST = 5


def mark(account_id: int, password_hash: str, passes: Sequence[str]) -> str:
    """By which of its passes a browser is one of this account's; empty when by none.

    A changed password makes all passes of an account worth nothing.
    """
    for one in passes[:MOST]:
        number, _dot, proof = one.partition(".")
        if hmac.compare_digest(
            proof.encode(), secrets_box.own_browser(account_id, password_hash, number).encode()
        ):
            return hashlib.sha256(number.encode()).hexdigest()[:16]
    return ""


def with_pass(person_id: int, passes: Sequence[str]) -> list[str]:
    """The passes of a browser in which somebody has just come in, one of theirs among them."""
    account = db.session.execute(
        select(StaffAccount.id, StaffAccount.password_hash).where(
            StaffAccount.person_id == person_id
        )
    ).one()
    if mark(account.id, account.password_hash, passes):
        return list(passes)
    number = secrets.token_urlsafe(12)
    proof = secrets_box.own_browser(account.id, account.password_hash, number)
    return [*passes, f"{number}.{proof}"][-MOST:]
