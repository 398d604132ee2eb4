"""The submit token of a ballot form: 128 random bits, bound to one session and one poll. Pure.

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
    """What a token is bound to.

    `household_id` is named where it is not the signed-in member's own: at the desk, and for an
    agent; a form opened for one household then serves no other.
    """

    session_id: int
    community_id: int
    public_id: str
    household_id: int | None = None

    def seal(self, key: str, nonce: str) -> str:
        """The half of the token that proves the binding."""
        text = f"ballot\n{self.session_id}\n{self.community_id}\n{self.public_id}\n{nonce}"
        if self.household_id is not None:
            text += f"\n{self.household_id}"
        digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
        return digest[:_SHAPE]


def issue(key: str, binding: Binding) -> str:
    """A new token for one showing of the form."""
    nonce = secrets.token_hex(NONCE_BYTES)
    return f"{nonce}.{binding.seal(key, nonce)}"


def nonce_of(key: str, binding: Binding, token: str) -> str:
    """The random half, by which a token is spent.

    Raises: RuleBroken ballot.other_session when the token was issued to another session or for
    another poll, or is none at all.
    """
    nonce, _dot, seal = token.partition(".")
    if not token.isascii() or not hmac.compare_digest(seal, binding.seal(key, nonce)):
        raise RuleBroken("ballot.other_session")
    return nonce
