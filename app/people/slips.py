"""The slip that brings somebody in for the first time: password and second factor, shown once.

It is good to sign in and for nothing else; the database keeps neither of the two in clear.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyotp
from flask import current_app
from flask_babel import gettext as _

from app.core import canonical, web
from app.core.errors import RuleBroken
from app.people import operations, passwords

if TYPE_CHECKING:
    from datetime import datetime

    from app.core.actor import Actor, Role

PASSWORD_BYTES = 15
GROUP = 4
TRIES = 100


@dataclass(frozen=True, slots=True)
class Slip:
    """What somebody needs to sign in, in clear: never kept, only shown or printed once."""

    place: str
    role: str
    display: str
    sign_in_name: str
    password: str
    secret: str
    address: str

    @property
    def secret_groups(self) -> str:
        """The second factor's secret as one can type it."""
        return grouped(self.secret)

    @property
    def otpauth(self) -> str:
        """The same as authenticator apps read it from a QR code."""
        return pyotp.TOTP(self.secret).provisioning_uri(
            name=self.sign_in_name, issuer_name=f"邻议 {self.place}".strip()
        )

    @property
    def text(self) -> str:
        """The slip as plain text, for a file."""
        return _(
            "入口 %(address)s\n登录名 %(name)s\n密码 %(password)s\n验证器密钥 %(secret)s\n\n",
            address=self.address,
            name=self.sign_in_name,
            password=self.password,
            secret=self.secret,
        )


def grouped(text: str) -> str:
    """A secret in groups of four, as one can type it."""
    return "-".join(text[start : start + GROUP] for start in range(0, len(text), GROUP))


def new_password(sign_in_name: str) -> str:
    """A random password of 120 bits in six groups, which the rules for passwords accept."""
    for _attempt in range(TRIES):
        letters = canonical.crockford(secrets.token_bytes(PASSWORD_BYTES)).lower()
        password = grouped(letters)
        # A short name may occur in it by chance; then another one is drawn.
        if not passwords.problem(password, sign_in_name):
            break
    return password


def sign_in_address() -> str:
    """Where people of the staff sign in."""
    base: str = current_app.config["SETTINGS"].base_url
    return f"{base}/staff/sign-in"


@dataclass(frozen=True, slots=True)
class Duty:
    """What somebody is to be, where; `place` and `title` are the words of it on the slip."""

    role: Role
    place: str = ""
    title: str = ""
    community_id: int | None = None
    jurisdiction_id: int | None = None
    ends_at: datetime | None = None
    reason: str = ""


def new_slip(actor: Actor, duty: Duty, *, sign_in_name: str, display: str) -> Slip:
    """Make an account with a password of our own; gives the slip for whoever it is.

    Raises: RuleBroken staff.name_taken, staff.ends_too_soon.
    """
    password = new_password(sign_in_name)
    secret = operations.add_staff(
        actor,
        sign_in_name=sign_in_name,
        display=display,
        password=password,
        role=duty.role,
        community_id=duty.community_id,
        jurisdiction_id=duty.jurisdiction_id,
        ends_at=duty.ends_at,
        reason=duty.reason,
    )
    address = sign_in_address()
    return Slip(duty.place, duty.title, display, sign_in_name, password, secret, address)


def private_file(path: Path) -> int:
    """Open a new file of the caller's alone; an older one is never written over.

    Raises: RuleBroken slips.*.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise RuleBroken("slips.exist", path=str(path)) from error
    except OSError as error:
        raise RuleBroken("slips.unwritable", path=str(path)) from error


def _broken(error: RuleBroken) -> str:
    path = error.facts.get("path", "")
    return {
        "slips.exist": _(
            "%(path)s 已经在了，不会覆盖它。请先收好那份，或用 --slips 另选地方。没有建账号。",
            path=path,
        ),
        "slips.unwritable": _("%(path)s 写不进去。请用 --slips 另选地方。没有建账号。", path=path),
    }[error.code]


web.explain("slips", _broken)
