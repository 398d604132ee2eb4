"""The submit token of a ballot form: 128 random bits, for one session, poll and household. Pure.

Source: docs/what-is-protected.md; a double tap, a reload or a retry is one ballot.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from app.core.errors import RuleBroken

NONCE_BYTES = 16
_SHAPE = NONCE_BYTES * 2


@dataclass(frozen=True, slots=True)
class Binding:
    """What a token is bound to: a form opened for one household serves no other.

    Somebody may have several households, and a clerk acts for many.
    """

    session_id: int
    community_id: int
    public_id: str
    household_id: int

    def seal(self, key: str, nonce: str) -> str:
        """The half of the token that proves the binding."""
        text = f"ballot\n{self.session_id}\n{self.community_id}\n{self.public_id}\n{nonce}"
        text += f"\n{self.household_id}"
        digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
        return digest[:_SHAPE]


def issue(key: str, binding: Binding) -> str:
    """A new token for one showing of the form."""
    nonce = secrets.token_hex(NONCE_BYTES)
    return f"{nonce}.{binding.seal(key, nonce)}"


def nonce_of(key: str, binding: Binding, token: str) -> str:
    """The random half, by which a token is spent.

    Raises: RuleBroken ballot.other_session when the token was issued to another session, for
    another poll or another household, or is none at all.
    """
    if not fits(key, binding, token):
        raise RuleBroken("ballot.other_session")
    return token.partition(".")[0]


def fits(key: str, binding: Binding, token: str) -> bool:
    """Whether a token was issued for just this session, poll and household."""
    nonce, _dot, seal = token.partition(".")
    return token.isascii() and hmac.compare_digest(seal, binding.seal(key, nonce))
