"""The pages of setting a community up: one calm step each, to be continued at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.communities import operations as communities
from app.communities import places
from app.communities import queries as community_queries
from app.communities.rules import community_code
from app.core import clock, guard, qr, web
from app.core.actor import Role
from app.core.times import time_text
from app.people import account_links, accounts, link_queries, slips
from app.people.credential_steps import NewAccount
from app.people.rules import LINK_VALID
from app.policy.roles import TERMS
from app.policy.table import Permission
from app.roles import queries as roles
from app.starting import queries, words
from app.starting.adding import ensure_community
from app.starting.forms import AboveForm, ActForm, CardForm, NewCardForm, PersonForm
from app.starting.rules import FIRST_PEOPLE, OTHERS, Step, next_step

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.communities.queries import CommunityView

bp = Blueprint("starting", __name__)


@bp.route("/system/communities/new", methods=["GET", "POST"])
@guard.needs(Permission.PLACES_SET_UP)
def above() -> ResponseReturnValue:
    """Step 1: which subdistrict the new community belongs to."""
    form = AboveForm()
    known = queries.places_above()
    form.offer(known)
    if form.validate_on_submit():
        code = form.chosen or places.ensure_subdistrict(
            guard.current_actor(),
            city_id=queries.city_id(),
            district=(form.district.data or "").strip(),
            subdistrict=(form.subdistrict.data or "").strip(),
        )
        return redirect(url_for("starting.card", under=code), 303)
    return render_template(
        "starting/above.html",
        form=form,
        known=known,
        districts=queries.districts(),
        step=words.step_text(Step.ABOVE),
    ), _status()


def _status() -> int:
    return 422 if request.method == "POST" else 200


@bp.route("/system/communities/new/<under>", methods=["GET", "POST"])
@guard.needs(Permission.PLACES_SET_UP)
def card(under: str) -> ResponseReturnValue:
    """Step 2: the community's name, code, and where its desk is."""
    place_id, above_it = queries.above(under)
    form = NewCardForm()
    if web.carried_out(form, lambda: _add(form, place_id)):
        code = community_code(form.code.data or "")
        return redirect(url_for("starting.person", community=code, step=Step.CLERK.value), 303)
    return render_template(
        "starting/card.html", form=form, above=above_it, step=words.step_text(Step.CARD)
    ), _status()


def _add(form: NewCardForm, place_id: int) -> None:
    new = communities.NewCommunity(
        code=community_code(form.code.data or ""),
        name=(form.name.data or "").strip(),
        jurisdiction_id=place_id,
        desk_phone=(form.desk_phone.data or "").strip(),
        office=(form.office.data or "").strip(),
        hours=(form.hours.data or "").strip(),
        intro="",
        demo=False,
    )
    # The same form sent twice is no mistake: what it asks for is there.
    ensure_community(guard.current_actor(), new)


@bp.route("/system/communities/<community>/card", methods=["GET", "POST"])
@guard.needs(Permission.PLACES_SET_UP)
def change_card(community: str) -> ResponseReturnValue:
    """Correct what letters and pages say of a community."""
    place = community_queries.community_by_code(community)
    form = CardForm(obj=place)
    if form.validate_on_submit():
        places.change_community(
            guard.current_actor(),
            community_id=place.id,
            name=(form.name.data or "").strip(),
            desk_phone=(form.desk_phone.data or "").strip(),
            office=(form.office.data or "").strip(),
            hours=(form.hours.data or "").strip(),
        )
        web.tell("done", _("已改好。以后印的信用新的；已经印出来的不会变。"))
        return redirect(url_for("starting.hand_over", community=community), 303)
    return render_template("starting/change_card.html", form=form, place=place), _status()


@bp.route("/system/communities/<community>/people/<step>", methods=["GET", "POST"])
@guard.needs(Permission.STAFF_SET_UP)
@guard.fresh
@guard.noted
def person(community: str, step: str) -> ResponseReturnValue:
    """Steps 3 and 4: the first two people; later anybody else who works for the community.

    The slip is shown in the answer itself, once: no address leads to it again.
    """
    place = community_queries.community_by_code(community)
    role = _role(step)
    form = PersonForm()
    form.longest = TERMS[role].longest
    made: list[ResponseReturnValue] = []
    if web.carried_out(form, lambda: made.append(_new_person(place, role, form))):
        return made[0] if made else _slip_was_lost(place)
    waits, is_first = _waits(place, role), role in FIRST_PEOPLE.values()
    if waits:
        proposer = guard.current_actor().require_person()
        form.until.description = words.until_when(place.place, role, proposer)
    return render_template(
        "starting/person.html",
        form=form,
        act=ActForm(),
        place=place,
        role=words.role_name(role),
        work=words.role_work(role),
        step=words.step_text(Step(step)) if is_first else "",
        key=step,
        there=queries.staff_of(place.id, (role,)),
        invited=link_queries.invited(place.id),
        opened=_opened(place, (role,)),
        waits=waits,
    ), _status()


def _waits(place: CommunityView, role: Role) -> str:
    """Who has to agree before a new account opens anything; empty where nobody has to."""
    if not queries.waits_for_another(place.id):
        return ""
    return words.waits(place.place, role, guard.current_actor().require_person())


def _opened(
    place: CommunityView, wanted: tuple[Role, ...] = tuple(Role)
) -> list[tuple[roles.Proposed, str, str]]:
    """The accounts on which another person has not decided, with their role and who may."""
    return [
        (one, words.role_name(one.role), words.waits(place.place, one.role, one.proposed_by))
        for one in roles.opened(place.place)
        if one.role in wanted
    ]


def _slip_was_lost(place: CommunityView) -> ResponseReturnValue:
    """The form came again: the account is there, and the slip went down with the first answer."""
    web.tell(
        "attention",
        _("账号已经建好，可是纸条没有送到您这里。请点“纸条丢了，重新出一张”。")
        if not queries.waits_for_another(place.id)
        else _("账号已经建好，可是纸条没有送到您这里。等另一个人同意以后，请重新出一张。"),
    )
    return redirect(url_for("starting.hand_over", community=place.code), 303)


def _role(step: str) -> Role:
    by_key = {one.value: role for one, role in FIRST_PEOPLE.items()}
    by_key |= {role.value: role for role in OTHERS}
    if step not in by_key:
        abort(404)
    return by_key[step]


def _new_person(place: CommunityView, role: Role, form: PersonForm) -> ResponseReturnValue:
    """Make the account, and show once what brings its holder in: a slip, or a link."""
    name, display = (form.sign_in_name.data or "").strip(), (form.display.data or "").strip()
    actor, waits = guard.current_actor(), _waits(place, role)
    ends_at, reason = form.ends_at, form.reason.data or ""
    if ends_at is None and not waits:
        ends_at = clock.now() + form.longest
    if request.form.get("how") == "link":
        new = NewAccount(name, display, role, place.id, ends_at=ends_at, reason=reason)
        return _link_page(place, display, account_links.invite(actor, new=new), waits=waits)
    title = words.role_name(role)
    duty = slips.Duty(role, place.name, title, place.id, ends_at=ends_at, reason=reason)
    slip = slips.new_slip(actor, duty, sign_in_name=name, display=display)
    return _slip_page(place, slip, waits)


def _link_page(
    place: CommunityView, display: str, token: str, *, regain: bool = False, waits: str = ""
) -> ResponseReturnValue:
    """A one-time link, shown in the answer itself: its secret stands behind "#"."""
    address = web.lasting_address("people.open_link")
    whole = f"{address}#{token}"
    return render_template(
        "starting/link.html",
        place=place,
        display=display,
        code=qr.drawn(whole),
        address=address,
        groups=slips.grouped(token),
        whole=whole,
        until=time_text(clock.now() + LINK_VALID),
        regain=regain,
        waits=waits,
        onward=url_for("starting.hand_over", community=place.code),
    )


def _coming(place: CommunityView) -> Step:
    """Where the set-up goes on; nobody has to wait there for another person's word."""
    there = {one.role for one in queries.staff_of(place.id)}
    return next_step(frozenset(there | {one.role for one in roles.opened(place.place)}))


def _slip_page(place: CommunityView, slip: slips.Slip, waits: str = "") -> ResponseReturnValue:
    coming = _coming(place)
    return render_template(
        "starting/slip.html",
        place=place,
        slip=slip,
        waits=waits,
        code=qr.drawn(slip.otpauth),
        onward=_address_of(place.code, coming),
        finished=coming is Step.HAND_OVER,
    )


@bp.post("/system/communities/<community>/people/<int:person_id>/slip")
@guard.needs(Permission.STAFF_SET_UP)
@guard.fresh
def new_slip(community: str, person_id: int) -> ResponseReturnValue:
    """Make a lost slip anew, as long as nobody has signed in with it."""
    place, line = _somebody(community, person_id)
    password = slips.new_password(line.sign_in_name)
    done = accounts.renew_slip(
        guard.current_actor(), community_id=place.id, person_id=person_id, password=password
    )
    slip = slips.Slip(
        place.name,
        words.role_name(line.role),
        line.display,
        line.sign_in_name,
        password,
        done.secret,
        slips.sign_in_address(),
    )
    return _slip_page(place, slip)


@bp.post("/system/communities/<community>/people/<int:person_id>/link")
@guard.needs(Permission.STAFF_SET_UP)
@guard.fresh
def new_link(community: str, person_id: int) -> ResponseReturnValue:
    """Make a one-time link for an account nobody uses yet; earlier slips and links are void."""
    place, line = _somebody(community, person_id)
    actor = guard.current_actor()
    token = account_links.renew_invitation(actor, community_id=place.id, person_id=person_id)
    return _link_page(place, line.display, token)


@bp.post("/system/communities/<community>/people/<int:person_id>/link/void")
@guard.needs(Permission.STAFF_SET_UP)
def void_link(community: str, person_id: int) -> ResponseReturnValue:
    """Make a one-time link worth nothing."""
    place, _line = _somebody(community, person_id)
    actor = guard.current_actor()
    web.once(
        lambda: account_links.void_invitation(actor, community_id=place.id, person_id=person_id)
    )
    web.tell("done", _("链接已作废，谁拿着都打不开。"))
    return redirect(url_for("starting.hand_over", community=community), 303)


@bp.route("/system/communities/<community>/people/<int:person_id>/regain", methods=["GET", "POST"])
@guard.needs(Permission.STAFF_SET_UP)
@guard.fresh
def regain(community: str, person_id: int) -> ResponseReturnValue:
    """Say what a new set-up of an account in use takes; on POST make the first half of it."""
    place, line = _somebody(community, person_id)
    if request.method == "GET":
        return render_template("starting/regain.html", place=place, line=line)
    actor = guard.current_actor()
    token = account_links.ask_regain(actor, community_id=place.id, person_id=person_id)
    return _link_page(place, line.display, token, regain=True)


def _somebody(community: str, person_id: int) -> tuple[CommunityView, queries.StaffLine]:
    place = community_queries.community_by_code(community)
    line = next((one for one in queries.staff_of(place.id) if one.person_id == person_id), None)
    if line is None:
        abort(404)
    return place, line


@bp.route(
    "/system/communities/<community>/people/<int:person_id>/end/<role>", methods=["GET", "POST"]
)
@guard.needs(Permission.STAFF_SET_UP)
@guard.fresh
def end_role(community: str, person_id: int, role: str) -> ResponseReturnValue:
    """Say what ending somebody's role means; on the second click end it."""
    place = community_queries.community_by_code(community)
    if request.method == "POST":
        if role not in set(Role):
            abort(404)
        web.once(
            lambda: accounts.end_role(
                guard.current_actor(),
                community_id=place.id,
                person_id=person_id,
                role=Role(role),
            )
        )
        web.tell("done", _("已停用，从现在起这个账号在本社区什么都不能办。"))
        return redirect(url_for("starting.hand_over", community=community), 303)
    staff = queries.staff_of(place.id)
    line = next((one for one in staff if (one.person_id, one.role) == (person_id, role)), None)
    if line is None:
        abort(404)
    return render_template(
        "starting/end_role.html",
        place=place,
        line=line,
        role=words.role_name(line.role),
        alone=sum(one.role is line.role for one in staff) == 1,
    )


@bp.get("/system/communities/<community>/")
@guard.needs(Permission.PLACES_SET_UP)
def hand_over(community: str) -> ResponseReturnValue:
    """Step 5: who is there, what still can be added, what the clerk does now."""
    place = community_queries.community_by_code(community)
    staff = queries.staff_of(place.id)
    coming = _coming(place)
    if coming is not Step.HAND_OVER:
        return redirect(_address_of(place.code, coming), 303)
    return render_template(
        "starting/hand_over.html",
        place=place,
        staff=[(one, words.role_name(one.role)) for one in staff],
        invited=link_queries.invited(place.id),
        opened=_opened(place),
        others=[(role.value, words.role_name(role), words.role_work(role)) for role in OTHERS],
        act=ActForm(),
        step=words.step_text(Step.HAND_OVER),
        sign_in=slips.sign_in_address(),
    )


def _address_of(code: str, step: Step) -> str:
    if step is Step.HAND_OVER:
        return url_for("starting.hand_over", community=code)
    return url_for("starting.person", community=code, step=step.value)
