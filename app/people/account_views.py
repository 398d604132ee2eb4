"""What somebody who works here sees and does about their own account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.core import clock, guard, web
from app.core.times import time_text
from app.people import accounts, browser, link_queries, operations, queries, role_words, words
from app.people.forms import ActForm, AlongForm, ProofForm, StayForm
from app.people.last_roles import last_role
from app.people.rules import RECOVERY_CODES, code_groups, session_left

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("account", __name__)


@bp.get("/staff/account")
@guard.staff_only
def show() -> ResponseReturnValue:
    """Where one is signed in, and how many recovery codes are left."""
    actor = browser.current_actor()
    sessions = queries.own_sessions(actor)
    return render_template(
        "people/account.html",
        passkeys=queries.own_passkeys(actor.require_person()),
        account=queries.own_account(actor.require_person()),
        rows=[(one, words.browser_name(one.browser)) for one in sessions],
        others=len(sessions) - 1,
        most=RECOVERY_CODES,
        regain_since=link_queries.own_regain_since(actor.require_person()),
        waiting=len(link_queries.waiting_for(actor)),
    )


@bp.post("/staff/account/sessions/<int:session_id>/end")
@guard.staff_only
def end_session(session_id: int) -> ResponseReturnValue:
    """End one of one's own sessions elsewhere."""
    actor = browser.current_actor()
    web.once(lambda: accounts.end_session(actor, session_id=session_id))
    web.tell("done", _("那一处已经退出，不能再用。"))
    return redirect(url_for("account.show"), 303)


@bp.post("/staff/account/sessions/end-others")
@guard.staff_only
def end_others() -> ResponseReturnValue:
    """End all of one's own sessions but this one."""
    accounts.end_other_sessions(browser.current_actor())
    web.tell("done", _("别处都已经退出，只剩您现在用的这一处。"))
    return redirect(url_for("account.show"), 303)


@bp.route("/staff/account/recovery", methods=["GET", "POST"])
@guard.staff_only
@guard.fresh
def recovery() -> ResponseReturnValue:
    """Say what recovery codes are; on POST make them. They are shown once: no redirect."""
    actor = browser.current_actor()
    account = queries.own_account(actor.require_person())
    if request.method == "GET":
        return render_template(
            "people/recovery.html", form=ActForm(), left=account.codes_left, most=RECOVERY_CODES
        )
    codes = accounts.make_recovery_codes(actor)
    return render_template(
        "people/recovery_codes.html",
        name=actor.display,
        sign_in_name=account.sign_in_name,
        made=time_text(clock.now()),
        had=account.codes_left,
        address=web.lasting_address("people.staff_sign_in"),
        codes=["-".join(code_groups(code)) for code in codes],
    )


def prove_along(typed: str, passkey: str) -> bool:
    """Take a proof that comes along with the form it is for."""
    return accounts.prove(browser.current_actor(), typed=typed, passkey=passkey)


def proof_page(kept: list[tuple[str, str]], wrong: bool) -> ResponseReturnValue:  # noqa: FBT001 -- the guard's hook
    """Ask for the proof with a form that was sent too late; what it holds waits in the page."""
    form = AlongForm(formdata=None)
    if wrong:
        form.form_errors.append(
            _("没有对上，还没有办，您填的都还在。请等换了新的六位数再输；连错多次要等 15 分钟。")
        )
    return render_template(
        "people/prove_along.html",
        form=form,
        kept=kept,
        action=request.full_path.rstrip("?"),
        origin=browser.origin(),
        has_passkey=bool(queries.own_passkeys(browser.current_actor().require_person())),
    ), (422 if wrong else 403)


@bp.route("/staff/prove", methods=["GET", "POST"])
@guard.staff_only
def prove() -> ResponseReturnValue:
    """Ask for the second factor again before a step that cannot be taken back, then go on."""
    form = ProofForm(next=request.args.get("next", ""))
    if form.validate_on_submit():
        passkey = form.passkey.data or ""
        actor = browser.current_actor()
        if accounts.prove(actor, typed=form.totp.data or "", passkey=passkey):
            return redirect(web.local_path(form.next.data, url_for("portal.staff_home")), 303)
        form.form_errors.append(
            _("通行密钥没有对上，请再试一次，或者输六位动态码；连错多次要等 15 分钟。")
            if passkey
            else _("动态码或备用码不对，或者用过了。请等换了新的六位数再输；连错多次要等 15 分钟。")
        )
    status = 422 if request.method == "POST" else 200
    return render_template(
        "people/prove.html",
        form=form,
        origin=browser.origin(),
        has_passkey=bool(queries.own_passkeys(browser.current_actor().require_person())),
    ), status


def role_over() -> str:
    """Why this browser's session of staff is over, where its last role has ended; empty else.

    It is told once, and only where the session was. A page that asks by itself how long one may
    rest shows nobody anything, so that is no telling.
    """
    known = browser.cookie_id()
    if not known or request.endpoint == "account.stay":
        return ""
    last = last_role(browser.hash_of(known))
    if last is None:
        return ""
    browser.end()
    return role_words.role_over(last, sent=request.method == "POST")


@bp.route("/staff/stay", methods=["GET", "POST"])
@guard.staff_only
def stay() -> ResponseReturnValue:
    """How long one may still rest; POST says that somebody is there, and it counts from now.

    Asking alone is no use of the session: a page asks by itself before it warns.
    """
    signed_in = browser.present()
    seen = signed_in.last_seen_at
    if request.method == "POST":
        operations.touch_session(signed_in.actor)
        seen = clock.now()
        if not request.headers.get("X-Stay"):
            home = url_for("portal.staff_home")
            return redirect(web.local_path(StayForm().next.data, home), 303)
    left = session_left(last_seen_at=seen, expires_at=signed_in.expires_at, now=clock.now())
    return jsonify(idle=left.idle, longest=left.longest)
