"""Every route is closed unless it declares who may use it; an undeclared one stops the start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from flask import abort, current_app, g, redirect, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError

from app.core import sent, shapes, web
from app.core.sent import PROOF_KEY, PROOF_TYPED

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue
    from werkzeug.wrappers import Response

    from app.core.actor import Actor

View = TypeVar("View", bound=Callable[..., Any])


class Open(Enum):
    """Access that needs no permission from the table."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    STAFF = "staff"


class Fresh(Enum):
    """What a view gives that wants a fresh proof."""

    STEP = "step"
    FILE = "file"


Access = Open | StrEnum
# Werkzeug holds what it has read but not yet taken apart to the same limit as typed fields, and it
# reads files in pieces of 64 KiB: less than this refuses every larger file.
FORM_MEMORY = 512 * 1024


def public(view: View) -> View:
    """Declare a view that visitors without a session may use."""
    return _declare(view, Open.PUBLIC)


def signed_in(view: View) -> View:
    """Declare a view for anybody with a session; it shows them only what is theirs."""
    return _declare(view, Open.SIGNED_IN)


def staff_only(view: View) -> View:
    """Declare a view for anybody who works with the portal; it shows them only what is theirs."""
    return _declare(view, Open.STAFF)


def needs(permission: StrEnum) -> Callable[[View], View]:
    """Declare a view that needs a permission of the table in the place its address names."""

    def declare(view: View) -> View:
        return _declare(view, permission)

    return declare


def _declare(view: View, access: Access) -> View:
    view.access = access  # type: ignore[attr-defined]
    return view


def fresh(view: View) -> View:
    """Declare that staff prove once more who they are when their last proof is a while ago.

    For steps that cannot be taken back. Whoever may not come here at all is told so first. A form
    that was sent waits inside the page that asks, and goes on with the proof: nothing is typed
    twice, and nothing of it is kept here meanwhile.
    """
    view.fresh = Fresh.STEP  # type: ignore[attr-defined]
    return view


def fresh_file(view: View) -> View:
    """The same for a file to take away: after the proof one is back where it is asked for.

    A file leaves the page as it is, which must not be the page that asks for the proof.
    """
    view.fresh = Fresh.FILE  # type: ignore[attr-defined]
    return view


def noted(view: View) -> View:
    """Declare that whoever sends something here and may not is noted: it would give power."""
    view.noted = True  # type: ignore[attr-defined]
    return view


def takes(most_bytes: int) -> Callable[[View], View]:
    """Declare how large a body a view takes from whoever is signed in; all others take little."""

    def declare(view: View) -> View:
        view.most_bytes = most_bytes  # type: ignore[attr-defined]
        return view

    return declare


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the guard asks the rooms above, without knowing them."""

    find_place: Callable[[dict[str, Any]], object | None]
    is_signed_in: Callable[[], bool]
    is_staff: Callable[[], bool]
    is_proof_fresh: Callable[[], bool]
    prove: Callable[[str, str], bool]
    proof_page: Callable[[list[tuple[str, str]], bool], ResponseReturnValue]
    may: Callable[[StrEnum, object], bool]
    is_for_residents: Callable[[StrEnum], bool]
    actor: Callable[[], Actor]
    note_refused: Callable[[object], None]
    role_over: Callable[[], str]


def current_actor() -> Actor:
    """Who asks in this request, for rooms below the one that keeps accounts."""
    hooks: Hooks = current_app.extensions["guard"]
    return hooks.actor()


def init_sizes(app: Flask, is_signed_in: Callable[[], bool]) -> None:
    """Let bodies be as large as their view declares.

    Call it before whatever reads forms first, which is the look at the form's token: a limit set
    by the view itself comes too late. Strangers cannot send large bodies anywhere.
    """

    @app.before_request
    def _size() -> None:
        view = app.view_functions.get(request.endpoint or "")
        most_bytes: int | None = getattr(view, "most_bytes", None)
        if request.method != "POST" or most_bytes is None:
            return
        if is_signed_in():
            request.max_content_length = most_bytes
            request.max_form_memory_size = FORM_MEMORY
        elif (request.content_length or 0) > current_app.config["MAX_CONTENT_LENGTH"]:
            # Most likely they were signed in when they began; "too large" would be no help.
            raise CSRFError("signed out")


def init(app: Flask, hooks: Hooks) -> None:
    """Put the guard before every request. Call `refuse_undeclared` after the last route."""
    app.extensions["guard"] = hooks
    app.jinja_env.globals["may_open"] = may_open

    @app.before_request
    def _guard() -> ResponseReturnValue | None:
        shapes.refuse_unstorable()
        access = access_of(app, request.endpoint)
        if access is None:
            return None
        g.place = hooks.find_place(request.view_args or {})
        if access is Open.PUBLIC:
            return None
        if not hooks.is_signed_in():
            return _to_sign_in(hooks, access)
        if not _may(hooks, access):
            _note(app, hooks)
            abort(404)
        return _to_proof(hooks)


def _note(app: Flask, hooks: Hooks) -> None:
    view = app.view_functions.get(request.endpoint or "")
    if request.method == "POST" and getattr(view, "noted", False):
        hooks.note_refused(g.place)


def _may(hooks: Hooks, access: Access) -> bool:
    if access is Open.SIGNED_IN:
        return True
    if access is Open.STAFF:
        return hooks.is_staff()
    # Another tenant's things, and things above one's role, are not there.
    return isinstance(access, StrEnum) and hooks.may(access, g.place)


def may_open(endpoint: str) -> bool:
    """Whether whoever reads may open an endpoint in this place: pages show no doors that are shut.

    Visitors are shown the doors of residents: those lead through the sign-in.
    """
    hooks: Hooks = current_app.extensions["guard"]
    access = access_of(current_app, endpoint)
    if access is None or access is Open.PUBLIC:
        return True
    if hooks.is_signed_in():
        return _may(hooks, access)
    return _is_for_residents(hooks, access)


def _is_for_residents(hooks: Hooks, access: Access) -> bool:
    return access is Open.SIGNED_IN or (
        isinstance(access, StrEnum) and hooks.is_for_residents(access)
    )


def _to_sign_in(hooks: Hooks, access: Access) -> Response:
    """Lead to the right door and from there back; what was sent in vain is not passed over."""
    for_residents = _is_for_residents(hooks, access)
    endpoint = "people.enter" if for_residents else "people.staff_sign_in"
    if request.method == "POST" and sent.came_before():
        # The step that signed somebody out was carried out; its answer was lost on the way.
        web.tell("done", web.already_out())
    elif over := hooks.role_over():
        web.tell("attention", over)
        endpoint = "people.staff_sign_in"
    elif request.method == "POST":
        web.tell(
            "attention",
            _("您已经退出了，刚才交的没有保存。请重新进来，再办一次。")
            if for_residents
            else _("您已经退出了（30 分钟不操作会自动退出），刚才交的没有保存。请登录后再办一次。"),
        )
    return redirect(url_for(endpoint, next=_page_wanted() or None), 303)


def _to_proof(hooks: Hooks) -> ResponseReturnValue | None:
    """Lead whoever has not proved for a while who they are past a proof, where the view asks it."""
    asks = fresh_of(current_app, request.endpoint)
    if asks is None or hooks.is_proof_fresh():
        return None
    if asks is Fresh.FILE:
        return redirect(url_for("account.prove", next=_page_before() or None), 303)
    if request.method == "GET":
        return redirect(url_for("account.prove", next=_page_wanted() or None), 303)
    typed, key = request.form.get(PROOF_TYPED, ""), request.form.get(PROOF_KEY, "")
    if (typed or key) and hooks.prove(typed, key):
        return None
    sent_fields = [
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in {PROOF_TYPED, PROOF_KEY}
    ]
    return hooks.proof_page(sent_fields, bool(typed or key))


def fresh_of(app: Flask, endpoint: str | None) -> Fresh | None:
    """Whether an endpoint wants a fresh proof, and for what."""
    found: Fresh | None = getattr(app.view_functions.get(endpoint or ""), "fresh", None)
    return found


def _page_wanted() -> str:
    """The page somebody was on their way to: for a form without one of its own, where it stood."""
    if request.method == "GET":
        return request.full_path.rstrip("?")
    if request.url_rule is not None and "GET" in (request.url_rule.methods or ()):
        return request.path
    return _page_before()


def _page_before() -> str:
    """The page of ours that somebody comes from; empty when the browser does not say."""
    stood = urlsplit(request.referrer or "")
    if stood.netloc != request.host:
        return ""
    return f"{stood.path}?{stood.query}" if stood.query else stood.path


def access_of(app: Flask, endpoint: str | None) -> Access | None:
    """What an endpoint declares; None for unknown addresses and static files."""
    if endpoint is None or endpoint == "static":
        return None
    access: Access | None = getattr(app.view_functions[endpoint], "access", None)
    return access


def refuse_undeclared(app: Flask) -> None:
    """Raise RuntimeError when a route says nothing about who may use it."""
    open_doors = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static" and access_of(app, rule.endpoint) is None
    ]
    if open_doors:
        raise RuntimeError(f"routes without declared access: {', '.join(sorted(open_doors))}")
