"""What a passkey proves (WebAuthn): questions asked once, and answers that fit them.

Inside the transaction of whoever asks. The site that a passkey is for comes from the settings,
never from the request: an address that somebody else has put before this portal gets no answer
that is good here. Source: W3C Web Authentication, level 3, sections 7.1 and 7.2; docs/adr/0034.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import secrets
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, cast

from cryptography.exceptions import UnsupportedAlgorithm
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationConveyancePreference,
    AttestedCredentialData,
    AuthenticationResponse,
    PublicKeyCredentialDescriptor,
    PublicKeyCredentialParameters,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from flask import current_app
from sqlalchemy import delete, func, or_, select, update

from app.people import restored, rules, secrets_box
from app.people.models import Passkey, PasskeyChallenge

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

# What phones, computers and security keys sign with: ES256, EdDSA, and RS256 for Windows Hello.
ALGORITHMS = (-7, -8, -257)
REQUIRED = UserVerificationRequirement.REQUIRED
# Whatever an answer that nobody's browser has made can raise while it is read.
BROKEN = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    AssertionError,
    OverflowError,
    RecursionError,
    NotImplementedError,
    UnsupportedAlgorithm,
    binascii.Error,
    struct.error,
)


class Purpose(StrEnum):
    """What a question is asked for; an answer is good for that alone."""

    SIGN_IN = "sign_in"
    PROVE = "prove"
    ADD = "add"
    SET_UP = "set_up"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser sends back: its JSON, and what the browser itself is known by here."""

    text: str
    holder: str


@dataclass(frozen=True, slots=True)
class NewKey:
    """A passkey that has been made and looked at, not stored yet."""

    credential_id: str
    public_key: str
    sign_count: int


def _server() -> Fido2Server:
    settings = current_app.config["SETTINGS"]
    server = Fido2Server(
        PublicKeyCredentialRpEntity(name="邻议", id=settings.host),
        attestation=AttestationConveyancePreference.NONE,
        verify_origin=lambda origin: origin == settings.origin,
    )
    server.allowed_algorithms = [
        PublicKeyCredentialParameters(type=PublicKeyCredentialType.PUBLIC_KEY, alg=number)
        for number in ALGORITHMS
    ]
    return server


def _hash(challenge: bytes) -> str:
    return hashlib.sha256(challenge).hexdigest()


def new_challenge(session: Session, purpose: Purpose, holder: str, now: datetime) -> bytes:
    """Keep a new question for a browser; what it was asked before for the same is void."""
    challenge = secrets.token_bytes(32)
    before = (PasskeyChallenge.purpose == purpose) & (PasskeyChallenge.holder == holder)
    session.execute(
        delete(PasskeyChallenge)
        .where(or_(before, PasskeyChallenge.expires_at <= now))
        .execution_options(synchronize_session=False)
    )
    session.add(
        PasskeyChallenge(
            challenge_hash=_hash(challenge),
            purpose=purpose,
            holder=holder,
            expires_at=now + rules.PASSKEY_WAITS,
        )
    )
    return challenge


def _spend(
    session: Session, purpose: Purpose, holder: str, challenge: bytes, now: datetime
) -> bool:
    """Use a question up; of two answers at once one finds it."""
    spent = session.execute(
        delete(PasskeyChallenge)
        .where(
            PasskeyChallenge.challenge_hash == _hash(challenge),
            PasskeyChallenge.purpose == purpose,
            PasskeyChallenge.holder == holder,
            PasskeyChallenge.expires_at > now,
        )
        .execution_options(synchronize_session=False)
    )
    return spent.rowcount == 1  # type: ignore[attr-defined]


def to_answer(challenge: bytes) -> dict[str, Any]:
    """What a browser needs in order to ask for any passkey of this site.

    No key is named: whoever knows a password alone learns nothing of what else an account has.
    """
    options, _state = _server().authenticate_begin(user_verification=REQUIRED, challenge=challenge)
    return dict(options.public_key)


def to_make(session: Session, account_id: int, name: str, challenge: bytes) -> dict[str, Any]:
    """What a browser needs in order to make a passkey for an account; not twice on one device."""
    known = session.scalars(select(Passkey.credential_id).where(Passkey.account_id == account_id))
    options, _state = _server().register_begin(
        PublicKeyCredentialUserEntity(
            name=name, id=secrets_box.passkey_handle(account_id), display_name=name
        ),
        credentials=[
            PublicKeyCredentialDescriptor(
                type=PublicKeyCredentialType.PUBLIC_KEY, id=websafe_decode(one)
            )
            for one in known
        ],
        # The door asks for no name first, so the device itself has to know whose key it is.
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=REQUIRED,
        challenge=challenge,
    )
    return dict(options.public_key)


def _state(challenge: bytes) -> dict[str, Any]:
    return {"challenge": websafe_encode(challenge), "user_verification": REQUIRED}


def proves(
    session: Session, account_id: int, purpose: Purpose, answer: Answer, now: datetime
) -> bool:
    """Whether an answer is by a passkey of this account; the question is used up in any case."""
    try:
        given = AuthenticationResponse.from_dict(json.loads(answer.text))
        client = given.response.client_data
        asked = _spend(session, purpose, answer.holder, client.challenge, now)
        key = session.scalar(
            select(Passkey)
            .where(
                Passkey.account_id == account_id,
                Passkey.credential_id == websafe_encode(given.raw_id),
            )
            .with_for_update()
        )
        if not asked or key is None or client.cross_origin:
            return False
        _server().authenticate_complete(_state(client.challenge), [_stored(key)], given)
        handle = given.response.user_handle
        if handle and handle != secrets_box.passkey_handle(account_id):
            return False
        count = given.response.authenticator_data.counter
    except BROKEN:
        return False
    return _count_up(session, key, count, now)


def _count_up(session: Session, key: Passkey, count: int, now: datetime) -> bool:
    """Keep a key's count, which only rises; devices that do not count say 0 for ever."""
    rises = (Passkey.sign_count < count) if count else (Passkey.sign_count == 0)
    counted = session.execute(
        update(Passkey)
        .where(Passkey.id == key.id, rises)
        .values(sign_count=count, used_at=now)
        .execution_options(synchronize_session=False)
    )
    return counted.rowcount == 1  # type: ignore[attr-defined]


def _stored(key: Passkey) -> AttestedCredentialData:
    cose = cast("dict[int, Any]", cbor.decode(websafe_decode(key.public_key)))
    return AttestedCredentialData.create(
        Aaguid.NONE, websafe_decode(key.credential_id), CoseKey.parse(cose)
    )


def made(session: Session, purpose: Purpose, answer: Answer, now: datetime) -> NewKey | None:
    """A passkey just made by a device, if it was made for what was asked; else None."""
    try:
        given = RegistrationResponse.from_dict(json.loads(answer.text))
        client = given.response.client_data
        if not _spend(session, purpose, answer.holder, client.challenge, now):
            return None
        if client.cross_origin:
            return None
        shown = _server().register_complete(_state(client.challenge), given)
        credential = shown.credential_data
        if credential is None or credential.public_key.get(3) not in ALGORITHMS:
            return None
        if credential.credential_id != given.raw_id:
            return None
        key = NewKey(
            websafe_encode(credential.credential_id),
            websafe_encode(cbor.encode(dict(credential.public_key))),
            shown.counter,
        )
    except BROKEN:
        return None
    fits = (
        len(key.credential_id) <= rules.PASSKEY_ID_MOST
        and len(key.public_key) <= rules.PASSKEY_MOST
    )
    return key if fits else None


def named(text: str) -> str:
    """Which passkey an answer is by; empty when it cannot be read."""
    try:
        return websafe_encode(websafe_decode(json.loads(text)["rawId"]))
    except BROKEN:
        return ""


def number_of(session: Session, account_id: int) -> int:
    """How many passkeys an account has."""
    counted = select(func.count(Passkey.id)).where(Passkey.account_id == account_id)
    return session.scalar(counted) or 0


def void_all(session: Session, account_id: int) -> int:
    """Let go of all passkeys of an account that is set up anew; gives how many there were."""
    voided = session.scalars(
        delete(Passkey)
        .where(Passkey.account_id == account_id)
        .returning(Passkey.credential_id)
        .execution_options(synchronize_session=False)
    ).all()
    for credential_id in voided:
        restored.note_passkey(credential_id)
    return len(voided)


def from_this_browser(session_id: int | None) -> str:
    """What a signed-in browser is known by, for questions it is asked."""
    return f"session/{session_id}"


def from_cookie(random: str) -> str:
    """The same at the door, from the random number in the cookie."""
    return hashlib.sha256(f"door/{random}".encode()).hexdigest()
