"""Pages for passkeys: one's own, and the questions that browsers ask for.

These are routes of the rooms' blueprints; the features' list names this module, which has both.
A device answers a script alone. Everywhere a passkey serves, the six digits serve as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.core import guard, web
from app.core.errors import NotFound, RuleBroken
from app.people import account_links, browser, link_queries, passkey_operations, passkeys, queries
from app.people.forms import ActForm, PasskeyForm
from app.people.link_views import account_bp, key_here, set_up_done, set_up_page
from app.people.passkeys import Purpose
from app.people.views import AT_THE_STAFF_DOOR, bp

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


def _not_made() -> str:
    return _("设备没有把通行密钥交上来，没有加。请点下面的按钮再试一次。")


@bp.post("/staff/sign-in/passkey")
@guard.public
def ask_at_the_door() -> ResponseReturnValue:
    """What a browser needs to ask its user for a passkey; says nothing of any account."""
    if not AT_THE_STAFF_DOOR.admits(request.remote_addr or ""):
        return web.refusal_page(429, _("试得太多了"), _("没有登录。请等几分钟再试。"))
    return jsonify(
        passkey_operations.ask(
            browser.current_actor(), purpose=Purpose.SIGN_IN, holder=browser.new_at_the_door()
        )
    )


@account_bp.post("/staff/prove/passkey")
@guard.staff_only
def ask_to_prove() -> ResponseReturnValue:
    """The same for the proof before a step of weight."""
    actor = browser.current_actor()
    holder = passkeys.from_this_browser(actor.session_id)
    return jsonify(passkey_operations.ask(actor, purpose=Purpose.PROVE, holder=holder))


@account_bp.post("/staff/account/passkeys/ask")
@guard.staff_only
@guard.fresh
def ask_to_add() -> ResponseReturnValue:
    """What a browser needs to have a passkey made."""
    return jsonify(passkey_operations.ask_to_add(browser.current_actor()))


@account_bp.route("/staff/account/passkeys/new", methods=["GET", "POST"])
@guard.staff_only
@guard.fresh
def new_passkey() -> ResponseReturnValue:
    """Say what a passkey is and have one made; on POST keep it."""
    form = PasskeyForm()
    if form.validate_on_submit() and _added(form):
        web.tell("done", _("通行密钥加好了。下次登录、再确认本人，都可以用它代替六位动态码。"))
        return redirect(url_for("account.show"), 303)
    status = 422 if request.method == "POST" else 200
    return render_template("people/new_passkey.html", form=form, origin=browser.origin()), status


def _added(form: PasskeyForm) -> bool:
    try:
        if passkey_operations.add_passkey(
            browser.current_actor(),
            name=(form.name.data or "").strip(),
            answer=form.passkey.data or "",
        ):
            return True
        form.form_errors.append(_not_made())
    except RuleBroken as refusal:
        form.form_errors.append(web.sentence(refusal))
    return False


@account_bp.route("/staff/account/passkeys/<int:passkey_id>/remove", methods=["GET", "POST"])
@guard.staff_only
@guard.fresh
def remove_passkey(passkey_id: int) -> ResponseReturnValue:
    """Say what letting a passkey go does; on the second click do it."""
    actor = browser.current_actor()
    if request.method == "POST":
        web.once(lambda: passkey_operations.remove_passkey(actor, passkey_id=passkey_id))
        web.tell("done", _("那个通行密钥已经删掉，不能再用，别处登录着的都已退出。"))
        return redirect(url_for("account.show"), 303)
    mine = queries.own_passkeys(actor.require_person())
    one = next((one for one in mine if one.passkey_id == passkey_id), None)
    if one is None:
        raise NotFound("passkey")
    return render_template("people/remove_passkey.html", one=one, form=ActForm())


@bp.post("/i/passkey/ask")
@guard.public
def ask_to_set_up() -> ResponseReturnValue:
    """What a browser needs to have a passkey made for an account that is being set up."""
    if not AT_THE_STAFF_DOOR.admits(request.remote_addr or ""):
        return web.refusal_page(429, _("试得太多了"), _("什么都没有改动。请等几分钟再试。"))
    return jsonify(passkey_operations.ask_to_set_up(browser.current_actor(), key=key_here()))


@bp.post("/i/passkey")
@guard.public
def link_passkey() -> ResponseReturnValue:
    """Take a passkey in place of the phone's number; the recovery codes are shown, once."""
    form = PasskeyForm()
    found = link_queries.open_link(key_here())
    if found is not None and form.validate_on_submit():
        try:
            codes = account_links.confirm_passkey(
                browser.current_actor(),
                key=key_here(),
                name=(form.name.data or "").strip(),
                answer=form.passkey.data or "",
            )
        except RuleBroken as refusal:
            if refusal.code == "link.dead":
                return set_up_page()
            form.form_errors.append(web.sentence(refusal))
        else:
            if codes:
                return set_up_done(found, codes)
            form.form_errors.append(_not_made())
    return set_up_page(passkey=form)


__all__ = ["account_bp", "bp"]
