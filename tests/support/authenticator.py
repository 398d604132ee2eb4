"""A passkey device made of software, which can also be told to do what no honest one does."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import sha256, websafe_decode, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

SITE, ORIGIN = "localhost", "http://localhost:8000"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Device:
    """One key on one device. What a test changes is what is wrong with the answer."""

    origin: str = ORIGIN
    site: str = SITE
    flags: int = PRESENT | VERIFIED
    count: int = 0
    counts: bool = True
    cross_origin: bool = False
    handle: bytes | None = None
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def _client(self, kind: str, options: dict[str, Any]) -> CollectedClientData:
        return CollectedClientData.create(
            kind, options["challenge"], self.origin, cross_origin=self.cross_origin
        )

    def _data(self, flags: int, credential: bytes = b"") -> AuthenticatorData:
        return AuthenticatorData.create(sha256(self.site.encode()), flags, self.count, credential)

    def _written(self, **response: bytes | None) -> str:
        own = websafe_encode(self.credential_id)
        given = {name: websafe_encode(each) for name, each in response.items() if each}
        return json.dumps({"id": own, "rawId": own, "type": "public-key", "response": given})

    def make(self, options: dict[str, Any], kind: str = "webauthn.create") -> str:
        """Make the key that a site asks for."""
        self.handle = websafe_decode(options["user"]["id"])
        public = ES256.from_cryptography_key(self.key.public_key())
        credential = AttestedCredentialData.create(Aaguid.NONE, self.credential_id, public)
        data = self._data(self.flags | ATTESTED, credential)
        return self._written(
            clientDataJSON=self._client(kind, options),
            attestationObject=AttestationObject.create("none", data, {}),
        )

    def answer(self, options: dict[str, Any], kind: str = "webauthn.get") -> str:
        """Answer a site's question."""
        self.count += self.counts
        client, data = self._client(kind, options), self._data(self.flags)
        return self._written(
            clientDataJSON=client,
            authenticatorData=data,
            signature=self.key.sign(data + client.hash, ec.ECDSA(hashes.SHA256())),
            userHandle=self.handle,
        )
