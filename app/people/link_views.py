"""Pages for whoever has a one-time link, and for the second person of two.

These are routes of the rooms' blueprints; the features' list names this module, which has both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyotp
from flask import make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext as _

from app.core import clock, guard, qr, web
from app.core.errors import NotFound, RuleBroken
from app.core.times import time_text
from app.people import account_links, browser, link_queries, secrets_box, slips
from app.people.account_links import LinkKey
from app.people.credential_views import bp as account_bp
from app.people.forms import (
    ActForm,
    FirstNumberForm,
    LinkForm,
    NewPasswordForm,
    NumberForm,
    PasskeyForm,
)
from app.people.rules import clean_link, code_groups
from app.people.views import AT_THE_STAFF_DOOR, bp

if TYPE_CHECKING:
    from flask import Response
    from flask.typing import ResponseReturnValue
    from flask_wtf import FlaskForm

    from app.people.link_queries import OpenLink

# What the browser that opened a link keeps: hashes, in its signed cookie, until it signs in.
TOKEN, NUMBER = "link", "link_number"


def _dead() -> str:
    """The same words for an unknown, a used, a void and an expired link."""
    return _(
        "这个链接不能用：可能抄错了，过期了，已经办完，换了新的，或者还在等另一个人同意。什么都没有改动。"
        "请照着纸条再输一次；还不行，请找给您链接的人重新出一个。"
    )


def key_here() -> LinkKey:
    """The link this browser has opened; a key that fits none when there is none."""
    return LinkKey(session.get(TOKEN, ""), session.get(NUMBER, ""))


@bp.route("/i", methods=["GET", "POST"])
@guard.public
def open_link() -> ResponseReturnValue:
    """Come with a one-time link. Its secret stands behind "#" and comes by the form alone."""
    form = LinkForm()
    if form.validate_on_submit():
        if not AT_THE_STAFF_DOOR.admits(request.remote_addr or ""):
            return web.refusal_page(429, _("试得太多了"), _("什么都没有改动。请等几分钟再试。"))
        key = LinkKey(secrets_box.hash_link(clean_link(form.code.data or "")))
        if link_queries.open_link(key) is not None:
            session[TOKEN] = key.token_hash
            session.pop(NUMBER, None)
            return redirect(url_for("people.set_up"), 303)
        form.form_errors.append(_dead())
    return _kept_nowhere("people/open_link.html", form=form)


def _kept_nowhere(template: str, **context: object) -> Response:
    """A page that no browser keeps: it may show what nobody else is to see."""
    status = 422 if request.method == "POST" and "codes" not in context else 200
    answer = make_response(render_template(template, **context), status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.get("/i/set-up")
@guard.public
def set_up() -> ResponseReturnValue:
    """Go on where the set-up stands: the number, the password, or the second factor."""
    return set_up_page()


def set_up_page(
    *,
    number: FlaskForm | None = None,
    password: FlaskForm | None = None,
    phone: FlaskForm | None = None,
    passkey: FlaskForm | None = None,
) -> ResponseReturnValue:
    """The page of the step that comes now, with the form that was refused."""
    found = link_queries.open_link(key_here())
    if found is None:
        form = LinkForm(formdata=None)
        form.form_errors.append(_dead())
        return _kept_nowhere("people/open_link.html", form=form)
    common = {"link": found, "expires": time_text(found.expires_at)}
    if found.needs_number:
        form = number or NumberForm(formdata=None)
        return _kept_nowhere("people/link_number.html", form=form, **common)
    if not found.has_password:
        form = password or NewPasswordForm(formdata=None)
        return _kept_nowhere("people/link_password.html", form=form, **common)
    return _kept_nowhere(
        "people/link_phone.html",
        form=phone or FirstNumberForm(formdata=None),
        key_form=passkey or PasskeyForm(formdata=None),
        origin=browser.origin(),
        code=qr.drawn(_otpauth(found)),
        groups=slips.grouped(found.secret),
        **common,
    )


def _otpauth(found: OpenLink) -> str:
    return pyotp.TOTP(found.secret).provisioning_uri(
        name=found.sign_in_name, issuer_name=f"邻议 {found.place}".strip()
    )


@bp.post("/i/number")
@guard.public
def link_number() -> ResponseReturnValue:
    """Take the number that the second person has given."""
    form = NumberForm()
    if form.validate_on_submit():
        try:
            key = account_links.give_number(
                browser.current_actor(), key=key_here(), number=form.number.data or ""
            )
        except RuleBroken:
            return set_up_page()
        if key is not None:
            session[NUMBER] = key.number_hash
            return redirect(url_for("people.set_up"), 303)
        form.form_errors.append(
            _("六位数不对，或者第二位还没有确认。什么都没有改动。错十次这个链接就作废。")
        )
    return set_up_page(number=form)


@bp.post("/i/password")
@guard.public
def link_password() -> ResponseReturnValue:
    """Set the first password of one's own."""
    form = NewPasswordForm()
    if form.validate_on_submit():
        try:
            account_links.set_password(
                browser.current_actor(), key=key_here(), password=form.new.data or ""
            )
        except RuleBroken as refusal:
            if refusal.code == "link.dead":
                return set_up_page()
            form.form_errors.append(web.sentence(refusal))
        else:
            return redirect(url_for("people.set_up"), 303)
    return set_up_page(password=form)


@bp.post("/i/phone")
@guard.public
def link_phone() -> ResponseReturnValue:
    """Take the phone's first number; the recovery codes are shown in the answer, once."""
    form = FirstNumberForm()
    found = link_queries.open_link(key_here())
    if found is not None and form.validate_on_submit():
        try:
            codes = account_links.confirm_totp(
                browser.current_actor(), key=key_here(), typed=form.totp.data or ""
            )
        except RuleBroken:
            return set_up_page()
        if codes:
            return set_up_done(found, codes)
        form.form_errors.append(_("六位数不对，还没有办完。请等换了新的六位数再输。"))
    return set_up_page(phone=form)


def set_up_done(found: OpenLink, codes: list[str]) -> Response:
    """The account is there: its recovery codes, and the way to the door."""
    session.pop(TOKEN, None)
    session.pop(NUMBER, None)
    return _kept_nowhere(
        "people/recovery_codes.html",
        name=found.display,
        sign_in_name=found.sign_in_name,
        made=time_text(clock.now()),
        had=False,
        address=web.lasting_address("people.staff_sign_in"),
        codes=["-".join(code_groups(code)) for code in codes],
        onward=url_for("people.staff_sign_in"),
        onward_label=_("收好了，去登录"),
        done=_("账号设好了，那个链接从此没用。请先把备用码收好，再登录。"),
    )


# --- the second person ---------------------------------------------------------------------


@account_bp.get("/staff/vouch")
@guard.staff_only
def vouch_list() -> ResponseReturnValue:
    """For whom a second person is wanted."""
    waiting = link_queries.waiting_for(browser.current_actor())
    return render_template("people/vouch.html", waiting=waiting, form=ActForm())


@account_bp.post("/staff/vouch/<int:link_id>")
@guard.staff_only
@guard.fresh
def vouch(link_id: int) -> ResponseReturnValue:
    """Be the second person; the number is shown in the answer, once."""
    actor = browser.current_actor()
    found = next((one for one in link_queries.waiting_for(actor) if one.link_id == link_id), None)
    if found is None:
        raise NotFound("link")
    number = account_links.vouch(actor, link_id=link_id)
    return render_template("people/vouched.html", one=found, number=number)


@account_bp.post("/staff/account/regain/refuse")
@guard.staff_only
def refuse_regain() -> ResponseReturnValue:
    """Say that it was not oneself who asked for a new set-up."""
    account_links.refuse_regain(browser.current_actor())
    web.tell("done", _("那个重办链接已经作废。您的密码和动态码没有变。请告诉系统管理员。"))
    return redirect(url_for("account.show"), 303)


__all__ = ["account_bp", "bp"]
