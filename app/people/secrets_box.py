"""Keys derived from the installation's secret: for code hashes, demo codes and second factors."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import CHEAPEST
from cryptography.fernet import Fernet
from flask import current_app

from app.core.canonical import CROCKFORD, crockford
from app.people.rules import CODE_LENGTH


def _key(purpose: str) -> bytes:
    secret = current_app.config["SETTINGS"].secret_key.encode()
    return hmac.new(secret, f"linyi/{purpose}".encode(), hashlib.sha256).digest()


def hash_code(code: str) -> str:
    """What the database keeps of a household code."""
    return hmac.new(_key("household-code"), code.encode(), hashlib.sha256).hexdigest()


def hash_number(community_id: int, household_id: int, number: str) -> str:
    """What the database keeps of a number given at the desk."""
    text = f"{community_id}/{household_id}/{number}"
    return hmac.new(_key("desk-number"), text.encode(), hashlib.sha256).hexdigest()


def hash_recovery(account_id: int, code: str) -> str:
    """What the database keeps of a code that stands in for an account's six digits."""
    text = f"{account_id}/{code}"
    return hmac.new(_key("recovery-code"), text.encode(), hashlib.sha256).hexdigest()


def passkey_handle(account_id: int) -> bytes:
    """What a device keeps to know an account by: nothing that says whose it is."""
    return hmac.new(_key("passkey-handle"), str(account_id).encode(), hashlib.sha256).digest()


def hash_link(token: str) -> str:
    """What the database and the browser's cookie keep of a one-time link."""
    return hmac.new(_key("account-link"), token.encode(), hashlib.sha256).hexdigest()


def hash_link_number(token_hash: str, number: str) -> str:
    """What is kept of the number that a second person gives for a link."""
    text = f"{token_hash}/{number}"
    return hmac.new(_key("link-number"), text.encode(), hashlib.sha256).hexdigest()


def own_browser(account_id: int, password_hash: str, number: str) -> str:
    """What shows that a browser's number was given to it for this account and this password."""
    text = f"{account_id}/{password_hash}/{number}"
    return hmac.new(_key("own-browser"), text.encode(), hashlib.sha256).hexdigest()


def new_link_token() -> str:
    """A one-time link's secret: 120 bits in 24 characters that can be typed."""
    return crockford(secrets.token_bytes(15))


def new_code() -> str:
    """A household's or a recovery code: ten random characters, 50 bits."""
    return "".join(secrets.choice(CROCKFORD) for _ in range(CODE_LENGTH))


def demo_code(community_id: int, household_id: int, generation: int) -> str:
    """A code of a demo city, which can be worked out again to be shown."""
    text = f"{community_id}/{household_id}/{generation}"
    digest = hmac.new(_key("demo-code"), text.encode(), hashlib.sha256).digest()
    return "".join(CROCKFORD[byte & 31] for byte in digest[:CODE_LENGTH])


def seal(text: str) -> str:
    """Encrypt what the portal must read again, such as a second factor's secret."""
    return _fernet().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """Decrypt what `seal` gave."""
    return _fernet().decrypt(sealed.encode()).decode()


def _fernet() -> Fernet:
    return Fernet(base64.urlsafe_b64encode(_key("sealed")))


def _hasher() -> PasswordHasher:
    # 19 MiB: eight sign-ins at once stay far below what a small server has.
    if current_app.config["SETTINGS"].cheap_passwords:
        return PasswordHasher.from_parameters(CHEAPEST)
    return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


def hash_password(password: str) -> str:
    """Argon2id of a password."""
    return _hasher().hash(password)


def password_fits(password: str, stored: str | None) -> bool:
    """Whether a password fits; without an account the same work is done for nothing.

    So it is for an account that has none yet: a quick answer would tell who has been invited.
    """
    hasher = _hasher()
    if not stored:
        hasher.hash(password)
        return False
    try:
        return hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
