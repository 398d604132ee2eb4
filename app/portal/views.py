"""The front, each community's home, the desk's and the district's, and the small common pages."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import (
    Blueprint,
    abort,
    current_app,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.communities import queries as communities
from app.communities.models import Level
from app.consultations import queries as topics
from app.consultations.rules import ENDED
from app.consultations.words import state_badge
from app.conventions import queries as conventions
from app.core import clock, guard, status, web
from app.core.actor import Role
from app.core.shapes import row_id
from app.discussion import queries as opinions
from app.meetings import queries as meetings
from app.meetings.words import badge_of
from app.people import browser
from app.people import queries as people
from app.policy.table import Permission
from app.portal import board, chain, chrome, queries, style, today
from app.portal.designing import own_designs
from app.portal.forms import ViewForm
from app.portal.own_data import as_data, days_kept, kept_about, longest_in_backups
from app.starting import queries as starts
from app.starting.words import checklist

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.starting.words import TaskLine

bp = Blueprint("portal", __name__)

# So many communities are still quicker to read than to unfold.
FEW = 12
ONE_YEAR = 366 * 24 * 3600


@bp.get("/")
@guard.public
def front() -> ResponseReturnValue:
    """Choose a community, or go straight home when there is only one place to be."""
    actor = browser.current_actor()
    if actor.homes:
        own = communities.community_by_id(actor.homes[0].community_id)
        return redirect(url_for("portal.community_home", code=own.code), 303)
    streets = queries.communities_by_street()
    many = sum(len(communities) for _street, communities in streets) > FEW
    return render_template(
        "portal/front.html", streets=streets, many=many, works_here=actor.is_staff
    )


@bp.get("/c/<code>/")
@guard.public
def community_home(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """What needs the resident now, what is going on, what was decided."""
    actor = browser.current_actor()
    home = actor.home_in(g.place.id)
    # Whoever is under 18 reads along: no ballot waits for them.
    voting = home if actor.adult else None
    polls, life = queries.home_polls(g.place.id, voting), _life(home is not None)
    own = _own() if home else {}
    return render_template(
        "portal/community_home.html",
        place=g.place,
        now=clock.now(),
        polls=polls,
        quiet_here=not (polls.seen or any(life.values()) or any(own.values())),
        own=own,
        own_waits=bool(polls.waiting or any(own.values())),
        address=communities.address_of(g.place.id, home.household_id) if home else None,
        notices=people.recent_notices(g.place.id, home.household_id, 2, reader=actor.person_id)
        if home
        else [],
        life=life,
        works_here=actor.is_staff,
        meeting_badge=badge_of,
    )


def _life(at_home: bool) -> dict[str, object]:  # noqa: FBT001 -- reads as a sentence
    """What is going on beside polls: meetings to come, topics, the convention to sign."""
    place_id = g.place.id
    coming = [m for m in meetings.meetings_of(place_id) if m.state in {"announced", "open"}]
    going_on = [t for t in topics.public_topics(place_id) if t.state not in ENDED]
    in_force = conventions.in_force(place_id)
    signed = since = None
    if in_force is not None and at_home:
        person_id = browser.current_actor().require_person()
        signed = conventions.my_signature(place_id, in_force.number, person_id)
        since = conventions.since_signed(place_id, in_force, person_id) if signed is None else None
    return {
        "meetings": coming[:3],
        "topics": [(topic, state_badge(topic.state)) for topic in going_on[:3]],
        "convention": in_force,
        "to_sign": in_force is not None and at_home and signed is None,
        "since_signed": since,
        "proposed": conventions.proposed(place_id),
    }


def _own() -> dict[str, list[Any]]:
    """What waits for this resident in person: opinions to word anew, a meeting to go to today."""
    person_id, now = browser.current_actor().require_person(), clock.now()
    return {
        "returned": opinions.returned(g.place.id, person_id, now),
        "meetings": meetings.my_meetings(g.place.id, person_id, now),
    }


@bp.get("/c/<code>/board")
@guard.public
def notice_board(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Everything the community has told everybody, the newest first."""
    wanted = request.args.get("section", "")
    section = board.Section(wanted) if wanted in set(board.Section) else None
    return render_template(
        "portal/board.html",
        place=g.place,
        board=board.board(g.place, section, _page()),
        section=section,
        sections=board.SECTIONS,
    )


def _page() -> int:
    """The page asked for; the first for what is no page."""
    asked = request.args.get("page", 1, type=int)
    return asked if 1 <= asked <= board.LAST_PAGE else 1


@bp.get("/c/<code>/desk/")
@guard.needs(Permission.DESK_VIEW)
def desk(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """What whoever works here has to do today, then what is going on."""
    found = queries.desk_home(g.place.id)
    reader = browser.current_actor().person_id
    return render_template(
        "portal/desk.html",
        place=g.place,
        desk=found,
        first_tasks=_first_tasks(found),
        guide=browser.current_actor().role_in(g.place.id).value,
        sections=today.sections(g.place.id, g.place.code, found, reader),
    )


def _guide_above(level: Level) -> str:
    """Whose one-page guide fits a place above: a city's and a district's staff share theirs."""
    return (Role.SUBDISTRICT if level is Level.SUBDISTRICT else Role.DISTRICT).value


def _first_tasks(home: queries.DeskHome) -> list[TaskLine]:
    """What is still to do of a first start; asked only where something may be."""
    if home.households and home.with_code and home.has_polls:
        return []
    there = starts.what_exists(g.place.id, households=home.households, with_code=home.with_code)
    return checklist(there, browser.current_actor(), g.place.code, g.place.id)


@bp.get("/c/<code>/desk/chain")
@guard.needs(Permission.DESK_VIEW)
def orphans(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Name every project whose chain from need to rating breaks."""
    return render_template(
        "portal/orphans.html",
        place=g.place,
        orphans=chain.orphans(g.place.id),
        projects=queries.designer_projects(g.place.id),
    )


@bp.get("/c/<code>/designer")
@guard.needs(Permission.DESIGNER_HOME)
def designer(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """The designer's projects."""
    return render_template(
        "portal/designer.html",
        place=g.place,
        projects=queries.designer_projects(g.place.id),
        own=own_designs(g.place.id, browser.current_actor().require_person()),
    )


@bp.get("/c/<code>/mine/data")
@guard.needs(Permission.HOUSEHOLD_VIEW)
def own_data(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show a resident everything that is kept about them."""
    kept = kept_about(g.place.id, browser.current_actor().require_person())
    return render_template("portal/own_data.html", place=g.place, kept=kept)


@bp.get("/c/<code>/mine/data.json")
@guard.needs(Permission.HOUSEHOLD_VIEW)
def own_data_file(code: str) -> ResponseReturnValue:
    """Hand the same out as a file."""
    kept = kept_about(g.place.id, browser.current_actor().require_person())
    data = json.dumps(as_data(kept), ensure_ascii=False, indent=1).encode()
    answer = Response(data, mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="{code}-mine.json"'
    return answer


@bp.get("/d/<jurisdiction>/")
@guard.needs(Permission.DISTRICT_VIEW)
def district(jurisdiction: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """All communities below a city, district or subdistrict, without ranking them."""
    reader = browser.current_actor().require_person()
    return render_template(
        "portal/district.html",
        found=g.place,
        tasks=today.above(g.place, reader),
        guide=_guide_above(g.place.level),
        rows=queries.district_rows(g.place.id),
    )


@bp.get("/system/")
@guard.needs(Permission.SYSTEM_VIEW)
def system_home() -> ResponseReturnValue:
    """How the installation is doing, and its communities."""
    return render_template(
        "portal/system.html",
        tasks=today.everywhere(browser.current_actor().require_person()),
        lines=status.lines(),
        badges=_status_badges(),
        communities=starts.set_ups(),
    )


def _status_badges() -> dict[str, tuple[str, str]]:
    """A watched thing's state as a badge: kind and word."""
    return {
        status.State.OK: ("go", _("正常")),
        status.State.ATTENTION: ("wait", _("注意")),
        status.State.BAD: ("stop", _("不行")),
    }


@bp.get("/staff/")
@guard.staff_only
def staff_home() -> ResponseReturnValue:
    """Lead whoever works with the portal to the page of their first role."""
    return redirect(_staff_home(), 303)


def _staff_home() -> str:
    for grant in browser.current_actor().grants:
        if grant.role is Role.ADMINISTRATOR:
            return url_for("portal.system_home")
        if grant.jurisdiction_id is not None:
            found = communities.area_by_id(grant.jurisdiction_id)
            return url_for("portal.district", jurisdiction=found.code)
        if grant.community_id is not None:
            code = communities.community_by_id(grant.community_id).code
            page = "portal.designer" if grant.role is Role.DESIGNER else "portal.desk"
            return url_for(page, code=code)
    return url_for("portal.front")


@bp.get("/q/<key>")
@guard.public
def short(key: str) -> ResponseReturnValue:
    """Lead a poster's short address to the poll's public page."""
    found = queries.poll_by_short_key(key)
    return redirect(url_for("voting.show", code=found.code, poll_id=found.poll_id), 303)


@bp.get("/complaints")
@guard.public
def complaints() -> ResponseReturnValue:
    """Whom to call or write to, and what happens then."""
    homes = browser.current_actor().homes
    desks = [communities.community_by_id(home.community_id) for home in homes]
    desks = desks or communities.few_desks(communities.SHOWN_DESKS)
    return render_template("portal/complaints.html", desks=desks)


@bp.get("/privacy")
@guard.public
def privacy() -> ResponseReturnValue:
    """What is kept about whom, for what, for how long, and what one may ask."""
    return render_template("portal/privacy.html", days=days_kept(), backups=longest_in_backups())


@bp.post("/view")
@guard.public
def set_view() -> ResponseReturnValue:
    """Remember how this browser wants to read, in a cookie that names nobody."""
    form = ViewForm()
    target = web.local_path(form.next.data, url_for("portal.front"))
    answer: Response = redirect(target, 303)
    if form.validate_on_submit():
        view = chrome.read_view(request.cookies.get(chrome.VIEW_COOKIE, ""))
        answer.set_cookie(
            chrome.VIEW_COOKIE,
            _changed(view, form).cookie(),
            max_age=ONE_YEAR,
            secure=current_app.config["SETTINGS"].secure,
            httponly=True,
            samesite="Lax",
        )
    return answer


def _changed(view: chrome.View, form: ViewForm) -> chrome.View:
    if form.view.data == "normal":
        view = replace(view, text_px=0)
    elif form.view.data == "elder":
        view = replace(view, text_px=view.text_px or chrome.ELDER_TEXT)
    size = row_id(form.text.data or "")
    if size in chrome.TEXT_SIZES:
        view = replace(view, text_px=size)
    if form.language.data in {"zh", "en"}:
        view = replace(view, language=form.language.data)
    return view


@bp.get("/styleguide")
@guard.public
def styleguide() -> ResponseReturnValue:
    """Show every part of the design, in development alone."""
    if current_app.config["SETTINGS"].production:
        abort(404)
    return render_template("styleguide.html", **style.samples())
