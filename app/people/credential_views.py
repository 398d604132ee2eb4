"""Pages for one's own password and the phone with the six digits.

These are routes of the account's blueprint; the features' list names this module, which has both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyotp
from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.core import guard, qr, web
from app.core.errors import RuleBroken
from app.people import browser, credentials, queries, slips
from app.people.account_views import bp
from app.people.forms import FirstNumberForm, OwnPasswordForm, PasswordForm

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue


def _status() -> int:
    return 422 if request.method == "POST" else 200


def _own_account() -> queries.OwnAccount:
    return queries.own_account(browser.current_actor().require_person())


@bp.route("/staff/account/password", methods=["GET", "POST"])
@guard.staff_only
@guard.fresh
def password() -> ResponseReturnValue:
    """Change one's own password."""
    form = PasswordForm()
    if form.validate_on_submit() and _password_changed(form):
        web.tell("done", _("密码改好了，别处登录着的都已退出。"))
        return redirect(url_for("account.show"), 303)
    return render_template("people/password.html", form=form, account=_own_account()), _status()


def _password_changed(form: PasswordForm) -> bool:
    old, new = form.old.data or "", form.new.data or ""
    try:
        if credentials.change_password(browser.current_actor(), old=old, new=new):
            return True
        form.form_errors.append(_wrong_password())
    except RuleBroken as refusal:
        form.form_errors.append(web.sentence(refusal))
    return False


def _wrong_password() -> str:
    return _("现在的密码不对，没有改动。请再输一次；连错多次要等 15 分钟。")


@bp.route("/staff/account/phone", methods=["GET", "POST"])
@guard.staff_only
@guard.fresh
def new_phone() -> ResponseReturnValue:
    """Begin with a new phone; on POST its QR is shown, once: no redirect."""
    form = OwnPasswordForm()
    if form.validate_on_submit():
        actor = browser.current_actor()
        secret = credentials.start_new_phone(actor, password=form.password.data or "")
        if secret:
            return _with_code(secret)
        form.form_errors.append(_wrong_password())
    return render_template("people/new_phone.html", form=form, account=_own_account()), _status()


def _with_code(secret: str) -> ResponseReturnValue:
    name = _own_account().sign_in_name
    address = pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name="邻议")
    return render_template(
        "people/confirm_new_phone.html",
        form=FirstNumberForm(formdata=None),
        code=qr.drawn(address),
        groups=slips.grouped(secret),
    )


@bp.route("/staff/account/phone/confirm", methods=["GET", "POST"])
@guard.staff_only
def confirm_new_phone() -> ResponseReturnValue:
    """Take the new phone's first number; until then the old one serves."""
    form = FirstNumberForm()
    if request.method == "GET" and _own_account().new_phone_at is None:
        raise RuleBroken("account.no_new_phone")
    if form.validate_on_submit():
        actor = browser.current_actor()
        if credentials.confirm_new_phone(actor, typed=form.totp.data or ""):
            web.tell("done", _("换好了。从现在起只认新手机上的六位数，别处登录着的都已退出。"))
            return redirect(url_for("account.show"), 303)
        form.form_errors.append(
            _("六位数不对，还没有换，原来的手机照旧能用。请等换了新的六位数再输。")
        )
    return render_template("people/confirm_new_phone.html", form=form, code=None), _status()


@bp.post("/staff/account/phone/drop")
@guard.staff_only
def drop_new_phone() -> ResponseReturnValue:
    """Give up a new phone that was begun with."""
    credentials.drop_new_phone(browser.current_actor())
    web.tell("done", _("没有换，原来的手机照旧能用。"))
    return redirect(url_for("account.show"), 303)


__all__ = ["bp"]
