"""The door for residents and staff, a resident's own page, and the desk's work with codes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.communities import queries as communities
from app.communities import walks
from app.communities.settings import number_of
from app.core import clock, guard, web
from app.core.actor import OF_A_MEETING
from app.core.errors import NotSaved, RuleBroken, SaveUnknown
from app.core.limits import Ceiling
from app.core.shapes import row_id
from app.core.times import time_text
from app.people import (
    browser,
    home_lines,
    inboxes,
    operations,
    own_browsers,
    queries,
    revealing,
    words,
)
from app.people.door import Entry
from app.people.forms import (
    ActForm,
    EnterForm,
    PartForm,
    RevealForm,
    RevokePartForm,
    StaffForm,
)
from app.people.member_queries import former_members, members
from app.people.operations import Enrolled
from app.people.passkeys import Answer
from app.people.rules import (
    DESK_NUMBER_VALID,
    CodeState,
    RevealReason,
    Younger,
    browser_kind,
    clean_code,
    code_groups,
    is_use_noted,
)
from app.people.steps import errands
from app.policy.table import Permission, allowed

if TYPE_CHECKING:
    from flask import Response
    from flask.typing import ResponseReturnValue

bp = Blueprint("people", __name__)

# A whole estate may share one address, so only a flood is slowed; codes lock by themselves.
AT_THE_DOOR = Ceiling(600, 600)
# Counted apart: a flood at the residents' door keeps nobody who works here out, nor the reverse.
AT_THE_STAFF_DOOR = Ceiling(600, 600)
SHOWN_LINES = 2


@bp.route("/e", methods=["GET", "POST"])
@guard.public
def enter() -> ResponseReturnValue:
    """Come in by the letter's code and a second fact."""
    form = EnterForm(next=request.args.get("next", ""))
    if request.method == "POST" and not AT_THE_DOOR.admits(request.remote_addr or ""):
        return web.refusal_page(
            429,
            _("现在进入的人太多"),
            _("没有进去，也没有记错误次数。请等几分钟再试；着急的话请到社区服务台。"),
        )
    if not form.validate_on_submit():
        return _enter_page(form)
    try:
        enrolled = _enrol(form)
    except RuleBroken as refusal:
        form.form_errors.append(web.sentence(refusal))
        return _enter_page(form)
    if enrolled.entry is not Entry.WELCOME:
        form.form_errors.append(words.ended(enrolled.entry.value))
        return _enter_page(form)
    # Whoever comes in again on the same phone stays who they were.
    reader = browser.current_actor().person_id
    if enrolled.added:
        where = communities.address_of(enrolled.community_id, enrolled.household_id)
        web.tell("done", _("加好了。您现在代表：%(home)s", home=where.short))
    else:
        browser.begin(enrolled.cookie_id, keep=not form.shared_phone.data)
    _tell_what_the_household_did(enrolled, reader)
    minor = bool(form.younger.data)
    return redirect(_onward(enrolled, form.next.data, minor=minor), 303)


def _enrol(form: EnterForm) -> Enrolled:
    return operations.enrol(
        browser.current_actor(),
        code=form.code.data or "",
        second_fact=form.second_fact.data or "",
        adult=bool(form.adult.data),
        shared_phone=bool(form.shared_phone.data),
        younger=Younger(form.younger.data) if form.younger.data else None,
        same_person=bool(form.add.data),
    )


def _enter_page(form: EnterForm) -> ResponseReturnValue:
    status = 422 if request.method == "POST" else 200
    actor = browser.current_actor()
    homes = [communities.address_of(home.community_id, home.household_id) for home in actor.homes]
    return render_template(
        "people/enter.html",
        form=form,
        desks=communities.few_desks(communities.SHOWN_DESKS),
        homes="、".join(home.short for home in homes),
        put_out=home_lines.why_signed_out(browser.hash_of(browser.cookie_id()))
        if actor.person_id is None and browser.cookie_id()
        else "",
    ), status


def _tell_what_the_household_did(enrolled: Enrolled, reader: int | None) -> None:
    """Show on entering what the household was told before, its own joining apart."""
    lines = queries.recent_notices(
        enrolled.community_id,
        enrolled.household_id,
        SHOWN_LINES,
        reader=reader,
        without_newest=enrolled.joined,
    )
    for line in reversed(lines):
        web.tell("info", line.text)


def _onward(enrolled: Enrolled, wanted: str | None, *, minor: bool) -> str:
    code = communities.community_by_id(enrolled.community_id).code
    home = url_for("portal.community_home", code=code)
    target = web.local_path(wanted, "")
    if target.startswith(f"/c/{code}/"):
        return target
    if minor:
        return home
    waiting = errands(enrolled.community_id, enrolled.household_id)
    # With one thing to do, the door leads straight to it: three screens from letter to receipt.
    return waiting[0] if len(waiting) == 1 else home


@bp.post("/sign-out")
@guard.signed_in
def sign_out() -> ResponseReturnValue:
    """Leave; the session is worth nothing from now on."""
    operations.sign_out(browser.current_actor())
    browser.end()
    answer: Response = redirect(url_for("portal.front"), 303)  # type: ignore[assignment]
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@bp.route("/staff/sign-in", methods=["GET", "POST"])
@guard.public
def staff_sign_in() -> ResponseReturnValue:
    """Come in by name, password and second factor."""
    form = StaffForm(next=request.args.get("next", ""))
    if not form.validate_on_submit():
        return _staff_page(form)
    if not AT_THE_STAFF_DOOR.admits(request.remote_addr or ""):
        return web.refusal_page(429, _("试得太多了"), _("没有登录。请等几分钟再试。"))
    try:
        cookie_id = operations.staff_sign_in(
            browser.current_actor(),
            sign_in_name=(form.name.data or "").strip(),
            password=form.password.data or "",
            totp=form.totp.data or "",
            passkey=_answer(form),
            kind=browser_kind(request.user_agent.string),
            passes=browser.own_passes(),
        )
    except RuleBroken as refusal:
        form.form_errors.append(web.sentence(refusal))
        return _staff_page(form)
    if not cookie_id:
        form.form_errors.append(
            _("登录名、密码或通行密钥不对，没有登录。请再试一次；连错多次要等 15 分钟。")
            if form.passkey.data
            else _(
                "登录名、密码、动态码或备用码不对，没有登录。动态码和备用码都只能用一次；"
                "连错多次要等 15 分钟。"
            )
        )
        return _staff_page(form)
    return _come_in(form, cookie_id)


def _come_in(form: StaffForm, cookie_id: str) -> ResponseReturnValue:
    browser.begin(cookie_id, keep=False)
    target = web.local_path(form.next.data, url_for("portal.staff_home"))
    answer: Response = redirect(target, 303)  # type: ignore[assignment]
    signed_in = queries.session_by_hash(browser.hash_of(cookie_id))
    if signed_in is None:
        return answer
    person_id = signed_in.actor.require_person()
    browser.keep_passes(answer, own_browsers.with_pass(person_id, browser.own_passes()))
    if clean_code(form.totp.data or ""):
        _tell_what_is_left(person_id)
    return answer


def _answer(form: StaffForm) -> Answer | None:
    text = form.passkey.data
    return Answer(text, browser.at_the_door()) if text else None


def _tell_what_is_left(person_id: int) -> None:
    """Somebody came in by a recovery code: say how many there are still."""
    left = queries.own_account(person_id).codes_left
    if left:
        web.tell("info", _("您用掉了一个备用码，还剩 %(left)s 个。", left=left))
    else:
        web.tell("attention", _("您用掉了最后一个备用码。请到“我的账号”做新的。"))


def _staff_page(form: StaffForm) -> ResponseReturnValue:
    """The page for staff; by recovery code the phone's keyboard has to have letters."""
    recovery = bool(request.args.get("recovery"))
    if recovery:
        form.totp.label.text = _("备用码")
        form.totp.description = _("打印好的那张纸上没划掉的一个，短横可以不输")
    status = 422 if request.method == "POST" else 200
    return render_template(
        "people/staff_sign_in.html", form=form, recovery=recovery, origin=browser.origin()
    ), status


@bp.get("/c/<code>/mine")
@guard.needs(Permission.HOUSEHOLD_VIEW)
def mine(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show a household what it was told, and who is in."""
    actor = browser.current_actor()
    home = actor.home_in(g.place.id)
    if home is None:
        abort(404)
    return render_template(
        "people/mine.html",
        place=g.place,
        address=communities.address_of(g.place.id, home.household_id),
        notices=queries.household_notices(
            g.place.id, home.household_id, 50, reader=actor.person_id
        ),
        members=words.members(members(g.place.id, home.household_id), actor.person_id),
        most=number_of(g.place.id, "members_per_household"),
        my_meetings=[
            grant.scope.removeprefix("meeting:")
            for grant in actor.grants
            if grant.role in OF_A_MEETING and grant.community_id == g.place.id
        ],
    )


@bp.route("/c/<code>/inbox", methods=["GET", "POST"])
@guard.needs(Permission.INBOX_READ)
def inbox(code: str) -> ResponseReturnValue:
    """Show what one was told; on POST mark it all as read."""
    actor = browser.current_actor()
    if request.method == "POST":
        inboxes.read_inbox(actor, community_id=g.place.id)
        return redirect(url_for("people.inbox", code=code), 303)
    lines = queries.inbox(g.place.id, actor.require_person())
    return render_template("people/inbox.html", place=g.place, lines=lines)


# --- the desk ------------------------------------------------------------------------------


@bp.get("/c/<code>/desk/households")
@guard.needs(Permission.ROLL_VIEW)
def desk(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Find a household, by building, address, name or last digits, or by its code's state."""
    building = request.args.get("building", "")
    page = request.args.get("page", "1")
    chosen = {
        "search": request.args.get("search", "")[:60],
        "building": building if building.isdecimal() else "",
        "state": request.args.get("state", ""),
    }
    found = queries.desk_page(
        g.place.id,
        search=chosen["search"],
        building_id=row_id(building),
        state=chosen["state"],
        page=max(int(page), 1) if page.isdecimal() and len(page) < 6 else 1,  # noqa: PLR2004
    )
    return render_template(
        "people/desk.html",
        place=g.place,
        found=found,
        chosen=chosen,
        manages=allowed(browser.current_actor(), Permission.CODE_MANAGE, g.place.place),
        rows=[(row, words.code_state(row.state)) for row in found.rows],
        buildings=communities.buildings(g.place.id),
        states=[
            *((state.value, words.code_state(state)[1]) for state in CodeState),
            (queries.LEFT, _("已移出底册")),
        ],
        earlier=_page_url(chosen, found.page - 1) if found.page > 1 else "",
        later=_page_url(chosen, found.page + 1) if found.more else "",
    )


def _page_url(chosen: dict[str, str], page: int) -> str:
    query = urlencode({**chosen, "page": page})
    return url_for("people.desk", code=g.place.code) + "?" + query


@bp.get("/c/<code>/desk/households/<int:household_id>")
@guard.needs(Permission.CODE_MANAGE)
def desk_household(code: str, household_id: int) -> ResponseReturnValue:  # noqa: ARG001
    """Show the desk one household: its code's state and what can be done."""
    return _household_page(household_id)


def _until(view: queries.CodeView) -> str:
    """How long a code still serves; nothing for one that is void."""
    works = view.state in {CodeState.VALID, CodeState.LOCKED}
    return time_text(view.expires_at) if works and view.expires_at else ""


def _household_page(
    household_id: int,
    number: str = "",
    *,
    whole: tuple[str, ...] = (),
    reveal: RevealForm | None = None,
) -> ResponseReturnValue:
    """Show one household; `number` and the `whole` phones are shown this once."""
    place, reveal = g.place, reveal or RevealForm(formdata=None)
    view = queries.code_view(place.id, household_id)
    shown = queries.demo_code(place.id, household_id) if place.demo else ""
    return render_template(
        "people/desk_household.html",
        place=place,
        address=communities.address_of(place.id, household_id),
        view=view,
        badge_of=words.code_state(view.state),
        expires=_until(view),
        demo_code="-".join(code_groups(shown)) if shown else "",
        phones=queries.masked_phones(place.id, household_id),
        notices=queries.notices_for_desk(place.id, household_id, 20),
        members=words.members(members(place.id, household_id), None),
        former=words.members(former_members(place.id, household_id), None),
        number=number,
        number_until=time_text(clock.now() + DESK_NUMBER_VALID) if number else "",
        form=ActForm(),
        whole=whole,
        reveal=reveal,
    ), (422 if reveal.errors else 200)


@bp.post("/c/<code>/desk/households/<int:household_id>/phones")
@guard.needs(Permission.PHONE_REVEAL)
@guard.fresh
def phones(code: str, household_id: int) -> ResponseReturnValue:  # noqa: ARG001
    """Show a household's phones in full, once; a look is kept, so this page is no redirect."""
    form, found = RevealForm(), []

    def act() -> None:
        found.extend(
            revealing.reveal_phones(
                browser.current_actor(),
                community_id=g.place.id,
                household_id=household_id,
                reason=RevealReason(form.reason.data),
            )
        )

    web.carried_out(form, act)
    return _household_page(household_id, whole=tuple(found), reveal=form)


@bp.post("/c/<code>/desk/households/<int:household_id>/unlock")
@guard.needs(Permission.CODE_MANAGE)
def unlock(code: str, household_id: int) -> ResponseReturnValue:
    """Let a locked code be tried again."""
    operations.unlock_code(
        browser.current_actor(), community_id=g.place.id, household_id=household_id
    )
    web.tell("done", _("编码已解开，可以再试。"))
    return redirect(url_for("people.desk_household", code=code, household_id=household_id), 303)


@bp.route("/c/<code>/desk/households/<int:household_id>/revoke", methods=["GET", "POST"])
@guard.needs(Permission.CODE_MANAGE)
@guard.fresh
def revoke(code: str, household_id: int) -> ResponseReturnValue:
    """Say what revoking does; on the second click do it."""
    address = communities.address_of(g.place.id, household_id)
    if request.method == "GET":
        return render_template("people/revoke.html", place=g.place, address=address, form=ActForm())
    web.once(
        lambda: operations.revoke_code(
            browser.current_actor(), community_id=g.place.id, household_id=household_id
        )
    )
    web.tell("done", _("这一户的编码已作废。"))
    return redirect(url_for("people.desk_household", code=code, household_id=household_id), 303)


@bp.get("/c/<code>/desk/codes/revoke")
@guard.needs(Permission.CODE_MANAGE)
@guard.fresh
def revoke_part(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Say what revoking the codes of a building or a stairwell does."""
    return _revoke_part_page(request.args.get("part", ""))


def _revoke_part_page(part: str, refusal: str = "") -> ResponseReturnValue:
    walk = walks.homes(g.place.id)
    inside = walks.chosen(walk, part) if part else []
    living = queries.living_codes(g.place.id, [home.household_id for home in inside])
    everybody = _("全社区")
    choose = PartForm(data={"part": part}, formdata=None)
    choose.part.choices = {
        estate: [(one.key, words.part_line(one.name, one.homes)) for one in offered]
        for estate, offered in walks.parts(walk, everybody)
    }
    form = RevokePartForm(data={"part": part, "expected": living}, formdata=None)
    if refusal:
        form.form_errors.append(refusal)
    return render_template(
        "people/revoke_part.html",
        place=g.place,
        choose=choose,
        form=form,
        part=part,
        name=walks.part_name(inside, part, everybody),
        homes=len(inside),
        living=living,
    ), (422 if refusal else 200)


@bp.post("/c/<code>/desk/codes/revoke")
@guard.needs(Permission.CODE_MANAGE)
@guard.fresh
def revoke_codes(code: str) -> ResponseReturnValue:
    """Revoke the codes that were shown."""
    form = RevokePartForm()
    if not form.validate_on_submit():
        return _revoke_part_page("", _("请先选好哪里的住户。什么都没有改动。"))
    part, expected = form.part.data or "", form.expected.data or 0
    inside = walks.chosen(walks.homes(g.place.id), part)
    try:
        web.once(
            lambda: operations.revoke_codes(
                browser.current_actor(),
                community_id=g.place.id,
                household_ids=[home.household_id for home in inside],
                expected=expected,
                part=part,
            )
        )
    except RuleBroken as refusal:
        return _revoke_part_page(part, web.sentence(refusal))
    web.tell("done", _("%(number)s 户的编码已作废，旧信不能再用。", number=f"{expected:,}"))
    return redirect(url_for("people.revoke_part", code=code, part=part), 303)


@bp.post("/c/<code>/desk/households/<int:household_id>/present")
@guard.needs(Permission.CODE_MANAGE)
@guard.fresh
def present(code: str, household_id: int) -> ResponseReturnValue:  # noqa: ARG001
    """Give a person who is present a number; it is shown once, so this page is no redirect."""
    number = operations.confirm_present(
        browser.current_actor(), community_id=g.place.id, household_id=household_id
    )
    return _household_page(household_id, number)


@bp.after_app_request
def _renew(answer: Response) -> Response:
    """Give a session whose roles changed a new cookie, and void the one that was sent."""
    signed_in = None if g.get("without_database") else browser.asked_for()
    before = browser.cookie_id()
    if signed_in is None or not signed_in.roles_changed or not before:
        return answer
    with suppress(NotSaved, SaveUnknown):
        fresh = operations.renew_session(
            signed_in.actor, cookie_id=before, roles_mark=signed_in.roles_mark
        )
        if fresh:
            browser.renew(fresh)
    return answer


@bp.after_app_request
def _note_use(answer: Response) -> Response:
    """Keep a session's last use, at most every five minutes, so that reading stays reading."""
    # Whoever asks how long they may rest has not done anything; and staying notes itself.
    silent = g.get("without_database") or request.endpoint == "account.stay"
    signed_in = None if silent else browser.asked_for()
    if signed_in is not None and is_use_noted(signed_in.last_seen_at, clock.now()):
        # The answer is made, perhaps about something saved: a failing note must not change it.
        with suppress(NotSaved, SaveUnknown):
            operations.touch_session(signed_in.actor)
    return answer
