"""Pages about who is in a household: a resident's doubts and leaving, and what the desk does of it.

These are routes of the room's one blueprint, to which `owner_views` adds the last.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from flask import g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.communities import queries as communities
from app.communities.row_rules import new_owner as new_owner_row
from app.communities.rows import row_of
from app.core import guard, web
from app.core.errors import NotFound, RuleBroken
from app.core.shapes import row_id
from app.people import browser, home_lines, member_queries, memberships, words
from app.people.forms import KeepForm, LeaveForm, MovedForm, OwnerForm
from app.people.rules import MOST_HOMES
from app.people.views import bp
from app.policy.table import Permission

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue

    from app.core.actor import Home
    from app.people.member_queries import MemberLine


def _line_at_home(member_id: int) -> MemberLine:
    """A line of one of the reader's households here. Raises: NotFound."""
    for home in browser.current_actor().homes_in(g.place.id):
        with suppress(NotFound):
            return member_queries.member(g.place.id, home.household_id, member_id)
    raise NotFound("member")


def _home_left(form: LeaveForm) -> Home:
    """The household that the form was opened for; the only one where it says none."""
    homes = browser.current_actor().homes_in(g.place.id)
    wanted = row_id(form.home.data or "")
    for home in homes:
        if home.household_id == wanted or (wanted is None and len(homes) == 1):
            return home
    raise NotFound("household")


@bp.get("/c/<code>/mine/members/<int:member_id>/contest")
@guard.needs(Permission.HOUSEHOLD_VIEW)
def contest(code: str, member_id: int) -> ResponseReturnValue:  # noqa: ARG001
    """Say what becomes of a doubt before it is raised."""
    line = _line_at_home(member_id)
    if line.person_id == browser.current_actor().person_id:
        raise NotFound("member")
    return render_template(
        "people/contest.html",
        place=g.place,
        member_id=member_id,
        joined=words.joined(line.joined_at, line.joined_by),
        seen=words.last_seen(line.seen_at),
    )


@bp.post("/c/<code>/mine/members/<int:member_id>/contest")
@guard.needs(Permission.HOUSEHOLD_VIEW)
def contest_member(code: str, member_id: int) -> ResponseReturnValue:
    """Ask the desk to look into somebody who came in."""
    web.once(
        lambda: memberships.contest_member(
            browser.current_actor(), community_id=g.place.id, member_id=member_id
        )
    )
    web.tell("done", _("已请服务台核实。核实以前什么都不变，结果会写在“本户动态”里。"))
    return redirect(url_for("people.mine", code=code), 303)


@bp.get("/c/<code>/mine/leave")
@guard.needs(Permission.HOUSEHOLD_VIEW)
def leave(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Say what leaving the household means."""
    home = browser.current_actor().homes_in(g.place.id)[0]
    address = communities.address_of(g.place.id, home.household_id)
    return render_template("people/leave.html", place=g.place, address=address)


@bp.post("/c/<code>/mine/leave")
@guard.needs(Permission.HOUSEHOLD_VIEW)
def leave_household(code: str) -> ResponseReturnValue:
    """Leave the household; whoever has no other is nobody in this browser from now on."""
    actor = browser.current_actor()

    def act() -> None:
        memberships.leave_household(
            actor, community_id=g.place.id, household_id=_home_left(LeaveForm()).household_id
        )

    web.once(act)
    if not actor.is_staff and browser.is_over():
        browser.end()
        web.ended_here()
    web.tell("done", _("您已退出这一户。家里其他人不受影响。"))
    return redirect(url_for("portal.community_home", code=code), 303)


@bp.get("/c/<code>/mine/homes")
@guard.needs(Permission.HOUSEHOLD_VIEW)
def homes(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show the households that somebody has, here and elsewhere, and which one they act for."""
    actor, here = browser.current_actor(), request.args.get("next", "")
    return render_template(
        "people/homes.html",
        place=g.place,
        homes=home_lines.own_homes(actor, g.place.id, web.local_path(here, "")),
        ended=home_lines.ended_homes(actor.require_person()),
        most=MOST_HOMES,
    )


@bp.post("/c/<code>/mine/homes/<int:household_id>")
@guard.needs(Permission.HOUSEHOLD_VIEW)
def choose_home(code: str, household_id: int) -> ResponseReturnValue:
    """Act for another of one's households from now on, and go on where one was."""
    memberships.choose_household(
        browser.current_actor(), community_id=g.place.id, household_id=household_id
    )
    address = communities.address_of(g.place.id, household_id)
    web.tell("done", _("换好了。您现在代表：%(home)s", home=address.short))
    target = web.local_path(request.args.get("next", ""), "")
    if not target.startswith(f"/c/{code}/"):
        target = url_for("portal.community_home", code=code)
    return redirect(target, 303)


# --- the desk ------------------------------------------------------------------------------


def _contested(household_id: int, member_id: int) -> MemberLine:
    """A line that waits for the desk's word. Raises: NotFound for any other."""
    line = member_queries.member(g.place.id, household_id, member_id)
    if line.contested_at is None:
        raise NotFound("member")
    return line


def to_household(code: str, household_id: int) -> ResponseReturnValue:
    """Lead back to who is in a household."""
    return redirect(
        url_for("people.desk_household", code=code, household_id=household_id) + "#members", 303
    )


@bp.get("/c/<code>/desk/households/<int:household_id>/members/<int:member_id>/end")
@guard.needs(Permission.CODE_MANAGE)
def end(code: str, household_id: int, member_id: int) -> ResponseReturnValue:  # noqa: ARG001
    """Say what it means to end a contested membership."""
    line = _contested(household_id, member_id)
    return render_template(
        "people/end_member.html",
        place=g.place,
        address=communities.address_of(g.place.id, household_id),
        member=words.members([line], None)[0],
    )


@bp.post("/c/<code>/desk/households/<int:household_id>/members/<int:member_id>/end")
@guard.needs(Permission.CODE_MANAGE)
def end_member(code: str, household_id: int, member_id: int) -> ResponseReturnValue:
    """End a contested membership."""
    # A form that comes again finds the line gone: what it was is asked before, and not required.
    lines = member_queries.members(g.place.id, household_id)
    unused = any(one.unused for one in lines if one.member_id == member_id)
    web.once(
        lambda: memberships.end_member(
            browser.current_actor(),
            community_id=g.place.id,
            household_id=household_id,
            member_id=member_id,
        )
    )
    web.tell("done", _("那部手机已请出本户，家里人会看到。"))
    if not unused:
        web.tell("attention", _("对方手里可能还有这一户的信。请给这一户重新印一封，旧信就作废了。"))
    return to_household(code, household_id)


@bp.route(
    "/c/<code>/desk/households/<int:household_id>/members/<int:member_id>/keep",
    methods=["GET", "POST"],
)
@guard.needs(Permission.CODE_MANAGE)
def keep(code: str, household_id: int, member_id: int) -> ResponseReturnValue:
    """Let a contested member stay, with a word to the household."""
    form = KeepForm()
    if web.carried_out(
        form,
        lambda: memberships.keep_member(
            browser.current_actor(),
            community_id=g.place.id,
            household_id=household_id,
            member_id=member_id,
            why=form.why.data or "",
        ),
    ):
        web.tell("done", _("留下了，您写的那句话家里人会看到。"))
        return to_household(code, household_id)
    line = _contested(household_id, member_id)
    status = 422 if form.is_submitted() else 200
    return render_template(
        "people/keep_member.html",
        place=g.place,
        address=communities.address_of(g.place.id, household_id),
        member=words.members([line], None)[0],
        form=form,
    ), status


@bp.route(
    "/c/<code>/desk/households/<int:household_id>/members/<int:member_id>/age",
    methods=["GET", "POST"],
)
@guard.needs(Permission.CODE_MANAGE)
def confirm_age(code: str, household_id: int, member_id: int) -> ResponseReturnValue:
    """Note that somebody present is 18 or over, once their papers were seen."""
    if request.method == "GET":
        return about_member("people/confirm_age.html", household_id, member_id)
    done = _("记好了：这一位满 18 周岁。本户会看到，身份证号没有记。")
    return note_about(code, household_id, member_id, memberships.confirm_age, done)


def about_member(
    template: str, household_id: int, member_id: int, **shown: object
) -> ResponseReturnValue:
    """Ask the desk about one member of a household. Raises: NotFound."""
    line = member_queries.member(g.place.id, household_id, member_id)
    return render_template(
        template,
        place=g.place,
        address=communities.address_of(g.place.id, household_id),
        member=words.members([line], None)[0],
        **shown,
    )


def note_about(
    code: str, household_id: int, member_id: int, act: Callable[..., None], done: str
) -> ResponseReturnValue:
    """Do at the desk what concerns one member, and lead back with `done` or why it cannot be."""
    member_queries.member(g.place.id, household_id, member_id)
    about = {"household_id": household_id, "member_id": member_id}
    try:
        web.once(lambda: act(browser.current_actor(), community_id=g.place.id, **about))
    except RuleBroken as refusal:
        web.tell("attention", web.sentence(refusal))
    else:
        web.tell("done", done)
    return to_household(code, household_id)


@bp.route("/c/<code>/desk/households/<int:household_id>/owner", methods=["GET", "POST"])
@guard.needs(Permission.CODE_MANAGE)
@guard.fresh
def new_owner(code: str, household_id: int) -> ResponseReturnValue:
    """Say what follows when a home was sold; with the new owners' names do it."""
    address = communities.address_of(g.place.id, household_id)
    form = OwnerForm()

    def act() -> None:
        memberships.change_owner(
            browser.current_actor(),
            community_id=g.place.id,
            household_id=household_id,
            change=new_owner_row(owner=form.owner.data or "", phones=form.phones.data or ""),
            seen=form.seen.data or "",
        )

    if web.carried_out(form, act):
        web.tell("done", _("换房主办好了：以前进来的都已退出，旧信作废。请给新房主印一封信。"))
        return to_household(code, household_id)
    if not form.is_submitted():
        seen = member_queries.who_is_in_mark(g.place.id, household_id)
        form = OwnerForm(data={"seen": seen}, formdata=None)
    return render_template(
        "people/new_owner.html",
        place=g.place,
        address=address,
        number=len(member_queries.members(g.place.id, household_id)),
        in_set=row_of(g.place.id, household_id).in_owner_set,
        form=form,
    ), (422 if form.is_submitted() and form.errors else 200)


@bp.route("/c/<code>/desk/households/<int:household_id>/moved", methods=["GET", "POST"])
@guard.needs(Permission.CODE_MANAGE)
@guard.fresh
def moved(code: str, household_id: int) -> ResponseReturnValue:
    """Say what follows when a family has moved out; on the second click do it."""
    address = communities.address_of(g.place.id, household_id)
    form = MovedForm()
    if form.validate_on_submit():
        web.once(
            lambda: memberships.move_out(
                browser.current_actor(),
                community_id=g.place.id,
                household_id=household_id,
                seen=form.seen.data or "",
            )
        )
        web.tell("done", _("搬走办好了：以前进来的都已退出，旧信作废。新住户来了，再印一封信。"))
        return to_household(code, household_id)
    form = MovedForm(
        data={"seen": member_queries.who_is_in_mark(g.place.id, household_id)}, formdata=None
    )
    inside = member_queries.members(g.place.id, household_id)
    return render_template(
        "people/moved.html", place=g.place, address=address, number=len(inside), form=form
    )


__all__ = ["about_member", "bp", "note_about"]
