"""The signed-in browser: Flask-Login over server-side sessions. The cookie proves nothing alone."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import current_app, g, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from itsdangerous import BadSignature

from app.core import clock
from app.core.actor import VISITOR, Actor
from app.core.errors import NotFound
from app.people import passkeys, queries, rules

if TYPE_CHECKING:
    from flask import Flask, Request, Response
    from flask.sessions import SecureCookieSession

    from app.people.queries import SignedIn

login_manager = LoginManager()
DOOR = "asked"
# Beside the session's cookie, which ends with the session.
OWN_KEPT = timedelta(days=366)


class SessionUser(UserMixin):
    """What Flask-Login holds: a living session row."""

    def __init__(self, cookie_id: str, signed_in: SignedIn | None) -> None:
        self.cookie_id = cookie_id
        self.signed_in = signed_in

    def get_id(self) -> str:
        """Give the random id of the cookie; the row holds only its hash."""
        return self.cookie_id


class CookieOfAnyAge(SecureCookieSessionInterface):
    """The cookie is signed, but its age decides nothing: the session's row says how long it lasts.

    Otherwise a server whose clock was ahead, set right, would turn away whoever came meanwhile.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Read the cookie of a request; an unsigned or changed one is an empty session."""
        signer = self.get_signing_serializer(app)
        value = request.cookies.get(self.get_cookie_name(app))
        if signer is None or not value:
            return self.session_class()
        try:
            return self.session_class(signer.loads(value))
        except BadSignature:
            return self.session_class()


def init(app: Flask) -> None:
    """Wire Flask-Login; it loads at most one session per request."""
    app.session_interface = CookieOfAnyAge()
    login_manager.init_app(app)
    login_manager.session_protection = None


@login_manager.user_loader  # type: ignore[untyped-decorator]
def _load(cookie_id: str) -> SessionUser | None:
    signed_in = queries.session_by_hash(hash_of(cookie_id))
    return SessionUser(cookie_id, signed_in) if signed_in else None


def hash_of(cookie_id: str) -> str:
    """What the database keeps of a cookie's id."""
    return hashlib.sha256(cookie_id.encode()).hexdigest()


def new_cookie_id() -> str:
    """Give 256 random bits for a new session."""
    return secrets.token_urlsafe(32)


def begin(cookie_id: str, *, keep: bool) -> None:
    """Let this browser carry a session just written; all it held before is dropped."""
    session.clear()
    session.permanent = keep
    login_user(SessionUser(cookie_id, None))


def renew(cookie_id: str) -> None:
    """Let this browser carry the same session under a new id."""
    session["_user_id"] = cookie_id


def cookie_id() -> str:
    """The id by which this request's cookie names its session; empty without one."""
    return str(session.get("_user_id", ""))


def origin() -> str:
    """The address that passkeys are for; a browser that is elsewhere is not offered them."""
    found: str = current_app.config["SETTINGS"].origin
    return found


def at_the_door() -> str:
    """What a browser that is not signed in is known by, for the question it was asked."""
    return passkeys.from_cookie(session.get(DOOR, ""))


def new_at_the_door() -> str:
    """The same, anew."""
    session[DOOR] = secrets.token_urlsafe(16)
    return at_the_door()


def _own_cookie() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-own"


def own_passes() -> list[str]:
    """What shows to which accounts somebody has come in here before; opens nothing."""
    return request.cookies.get(_own_cookie(), "").split()


def keep_passes(answer: Response, passes: list[str]) -> None:
    """Let this browser carry them, beyond the end of the session."""
    answer.set_cookie(
        _own_cookie(),
        " ".join(passes),
        max_age=OWN_KEPT,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Strict",
    )


def end() -> None:
    """Forget the session in this browser."""
    logout_user()
    session.clear()


def current() -> SignedIn | None:
    """The living session of this request, if any."""
    found: Any = getattr(current_user, "signed_in", None)
    return found if found is not None else None


def is_over() -> bool:
    """Whether this browser's session has ended by now, for whoever was signed in a moment ago."""
    return queries.session_by_hash(hash_of(cookie_id())) is None


def present() -> SignedIn:
    """The living session of a request that the guard lets through only with one."""
    found = current()
    if found is None:
        raise NotFound("session")
    return found


def is_proof_fresh() -> bool:
    """Whether whoever is signed in has given their second factor a short while ago.

    A session without a second factor has none to give; what it may do at all is in the matrix.
    """
    signed_in = current()
    if signed_in is None:
        return False
    return not signed_in.staff or rules.is_proof_fresh(signed_in.proved_at, clock.now())


def asked_for() -> SignedIn | None:
    """The living session if this request has asked for it already; asks the database nothing."""
    return current() if "_login_user" in g else None


def current_actor() -> Actor:
    """Who asks in this request."""
    signed_in = current()
    return signed_in.actor if signed_in else VISITOR
