"""Meetings over HTTP: the notice, coming, the door, the desk's list, the minutes."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.bodies import queries as bodies
from app.bodies.steps import Scoped, register_scopes
from app.core import clock, guard, qr, web
from app.core.actor import Role
from app.core.times import time_text
from app.meetings import calendar, operations, queries, words
from app.meetings.forms import CallForm, CheckInForm, CloseForm, MinutesForm, PartyForm
from app.meetings.rules import (
    HAVE_MINUTES,
    NOT_AS_ANNOUNCED,
    OVER,
    MeetingState,
    Presence,
    SeatState,
    answer_problem,
    doors_are_open,
)
from app.people import browser
from app.people.forms import ActForm
from app.people.member_queries import homes_text_of
from app.people.models import PersonNoticeKind
from app.people.steps import (
    News,
    address_of_thing,
    register_address,
    register_news,
)
from app.policy.table import Permission, allowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue

    from app.meetings.queries import MeetingView, PartyView

bp = Blueprint("meetings", __name__)
bp.add_app_template_filter(words.sitting, "sitting")
REFUSED = 422


@bp.get("/c/<code>/meetings/")
@guard.public
def index(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show what is coming and what was held."""
    found = queries.meetings_of(g.place.id)
    coming = [one for one in found if one.state in {MeetingState.ANNOUNCED, MeetingState.OPEN}]
    return render_template(
        "meetings/index.html",
        place=g.place,
        coming=coming,
        held=[one for one in reversed(found) if one not in coming],
        badge_of=words.badge_of,
    )


@bp.get("/c/<code>/meetings/<meeting_id>")
@guard.public
def show(code: str, meeting_id: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show a meeting's notice: when, where, what about, and whether there is a place."""
    return show_page(meeting_id, PartyForm(formdata=None))


def show_page(meeting_id: str, answer: PartyForm) -> ResponseReturnValue:
    """Give a meeting's page; `answer` is what somebody tried to say for a body."""
    meeting = queries.meeting(g.place.id, meeting_id)
    actor = browser.current_actor()
    mine = actor.home_in(g.place.id) is not None
    seat = queries.my_seat(g.place.id, meeting_id, actor.person_id or 0) if mine else None
    waiting = seat is not None and seat.state is SeatState.WAITING
    here = seat if seat is not None and seat.state is not SeatState.CANCELLED else None
    parties = queries.parties(g.place.id, meeting_id)
    page = render_template(
        "meetings/show.html",
        place=g.place,
        meeting=meeting,
        about=address_of_thing(g.place.id, meeting.subject),
        corrected=queries.corrected(g.place.id, meeting),
        state=words.badge_of(meeting.state),
        seat=here,
        asked_before=mine
        and here is None
        and queries.came_before(g.place.id, meeting, actor.person_id or 0),
        off=words.off_banner(meeting),
        anew=_called_anew(meeting),
        ahead=queries.place_in_line(g.place.id, meeting_id, seat.line) if seat and waiting else 0,
        may_join=meeting.state in {MeetingState.ANNOUNCED, MeetingState.OPEN}
        and not actor.is_staff,
        attendance=_attendance(meeting),
        due=queries.representatives_due(g.place.id, meeting),
        form=ActForm(),
        parties=party_rows(parties),
        answers=_asked(meeting, parties),
        answer=answer,
    )
    return page, (REFUSED if request.method == "POST" else 200)


def party_rows(parties: list[PartyView]) -> list[tuple[PartyView, str, tuple[str, str]]]:
    """Each party with its name and the words of its badge."""
    return [(one, words.party_name(one), words.presence_badge(one.presence)) for one in parties]


def _asked(meeting: MeetingView, parties: list[PartyView]) -> list[PartyView]:
    """The bodies that are due, that the reader acts for, and that can still say whether they come.

    Whoever acts for none asks the database nothing.
    """
    actor = browser.current_actor()
    if not actor.has(Role.BODY, g.place.id):
        return []
    things = f"meeting:{meeting.public_id}", meeting.subject
    acted = {one.body_id for one in bodies.speaks_for(g.place.id, actor.person_id, things)}
    return [
        one
        for one in parties
        if one.body_id in acted
        and not answer_problem(meeting.state, one.presence, Presence.COMING, "")
    ]


def _called_anew(meeting: MeetingView) -> MeetingView | None:
    """The meeting to go to in the place of one that was put off or broken off."""
    if meeting.state not in NOT_AS_ANNOUNCED:
        return None
    return queries.called_anew(g.place.id, meeting)


def _attendance(meeting: MeetingView) -> list[tuple[str, str]]:
    if meeting.state not in OVER:
        return []
    return words.attendance_rows(queries.attendance(g.place.id, meeting.public_id))


@bp.post("/c/<code>/meetings/<meeting_id>/join")
@guard.needs(Permission.MEETING_JOIN)
def join(code: str, meeting_id: str) -> ResponseReturnValue:
    """Take a place or a turn in the waiting list."""
    state = operations.join_meeting(
        browser.current_actor(), community_id=g.place.id, meeting_id=meeting_id
    )
    told = (
        _("已报名。")
        if state is SeatState.COMING
        else _("座位满了，您已排进候补，有空位会自动补上。")
    )
    web.tell("done", told)
    return redirect(url_for("meetings.show", code=code, meeting_id=meeting_id), 303)


@bp.post("/c/<code>/meetings/<meeting_id>/leave")
@guard.needs(Permission.MEETING_JOIN)
def leave(code: str, meeting_id: str) -> ResponseReturnValue:
    """Give a place back."""
    operations.leave_meeting(
        browser.current_actor(), community_id=g.place.id, meeting_id=meeting_id
    )
    web.tell("done", _("已取消报名，座位让给了后面的邻居。"))
    return redirect(url_for("meetings.show", code=code, meeting_id=meeting_id), 303)


@bp.get("/c/<code>/meetings/<meeting_id>.ics")
@guard.public
def ics(code: str, meeting_id: str) -> Response:
    """The meeting for a calendar."""
    meeting = queries.meeting(g.place.id, meeting_id)
    address = web.lasting_address("meetings.show", code=code, meeting_id=meeting_id)
    answer = Response(calendar.ics(meeting, g.place.name, address), mimetype="text/calendar")
    answer.headers["Content-Disposition"] = f'attachment; filename="{meeting_id}.ics"'
    return answer


@bp.route("/c/<code>/meetings/<meeting_id>/door/<door_key>", methods=["GET", "POST"])
@guard.needs(Permission.MEETING_JOIN)
def door(code: str, meeting_id: str, door_key: str) -> ResponseReturnValue:
    """Check in by the QR at the door."""
    meeting = queries.meeting(g.place.id, meeting_id)
    if queries.door_key(g.place.id, meeting_id) != door_key:
        return web.refusal_page(
            404, _("这个二维码不对"), _("请扫门口最新的二维码，或请工作人员签到。")
        )
    form = CheckInForm()

    def act() -> None:
        first = operations.check_in_at_door(
            browser.current_actor(),
            community_id=g.place.id,
            meeting_id=meeting_id,
            door_key=door_key,
            band=form.band.data or "",
        )
        web.tell("done", _("签到好了，请进。") if first else _("您已经签过到了，请进。"))

    if request.method == "POST" and web.carried_out(form, act):
        return redirect(url_for("meetings.show", code=code, meeting_id=meeting_id), 303)
    seat = queries.my_seat(g.place.id, meeting_id, browser.current_actor().require_person())
    page = render_template(
        "meetings/door.html",
        place=g.place,
        meeting=meeting,
        form=form,
        door_key=door_key,
        open=doors_are_open(meeting.state, meeting.starts_at, clock.now()),
        already=seat is not None and seat.checked_in_at is not None,
    )
    return page, (REFUSED if request.method == "POST" else 200)


# --- the desk ----------------------------------------------------------------------------------


@bp.get("/c/<code>/desk/meetings")
@guard.needs(Permission.DESK_VIEW)
def desk(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show the desk all meetings."""
    return render_template(
        "meetings/desk.html",
        place=g.place,
        meetings=queries.meetings_of(g.place.id)[::-1],
        badge_of=words.badge_of,
    )


@bp.get("/c/<code>/desk/meetings/<meeting_id>")
@guard.needs(Permission.MEETING_SEE)
def desk_meeting(code: str, meeting_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Show the desk one meeting: the list, the door, the minutes."""
    return _desk_page(meeting_id, _fresh(), MinutesForm(formdata=None))


def _fresh() -> CheckInForm:
    """An empty form with a mark of its own, by which a double tap is known."""
    return CheckInForm(formdata=None, data={"once": secrets.token_hex(16)})


def _seats(meeting_id: str) -> list[tuple[queries.SeatLine, str]]:
    """Who comes, each with how the desk knows them: their label, or where they live."""
    seats = queries.seats(g.place.id, meeting_id)
    known = homes_text_of(g.place.id, [s.person_id for s in seats if s.person_id])
    return [
        (seat, seat.label or known.get(seat.person_id or 0) or _("没有留称呼")) for seat in seats
    ]


def _desk_page(
    meeting_id: str,
    check_in: CheckInForm,
    minutes: MinutesForm,
    close: CloseForm | None = None,
    party: PartyForm | None = None,
) -> ResponseReturnValue:
    meeting = queries.meeting(g.place.id, meeting_id)
    actor, place = browser.current_actor(), g.place
    here = replace(place.place, meeting=meeting_id)
    holds = allowed(actor, Permission.MEETING_HOLD, here)
    if not minutes.is_submitted() or not minutes.text.data:
        minutes.text.data = minutes.text.data or meeting.minutes_text
    key = queries.door_key(place.id, meeting_id)
    parties = queries.parties(place.id, meeting_id)
    runs = allowed(actor, Permission.MEETING_RUN, here)
    call = CallForm(formdata=None)
    if runs:
        call.offer(bodies.bodies(place.id), {one.body_id for one in parties})
    doors = doors_are_open(meeting.state, meeting.starts_at, clock.now())
    page = render_template(
        "meetings/desk_meeting.html",
        place=place,
        meeting=meeting,
        state=words.badge_of(meeting.state),
        badge_of=words.badge_of,
        channels=words.CHANNELS,
        seats=_seats(meeting_id) if holds else [],
        check_in=check_in,
        minutes=minutes,
        runs=runs,
        parties=party_rows(parties),
        sees=holds and (doors or meeting.state in OVER) and meeting.confirmed_at is None,
        call=call,
        party=party or PartyForm(formdata=None),
        holds=holds,
        ends=allowed(actor, Permission.MEETING_END, here),
        due=queries.representatives_due(place.id, meeting),
        # A topic opens its own session; one with a designer begins here.
        begins=meeting.state is MeetingState.ANNOUNCED and meeting.subject.startswith("design:"),
        doors=doors,
        off=words.off_banner(meeting),
        anew=_called_anew(meeting),
        too_few=meeting.quorum_met is False,
        close=close or CloseForm(formdata=None),
        writes=allowed(actor, Permission.MINUTES_WRITE, here)
        and meeting.state in HAVE_MINUTES
        and meeting.confirmed_at is None,
        confirms=meeting.state in OVER
        and allowed(actor, Permission.MINUTES_CONFIRM, here)
        and bool(meeting.minutes_text)
        and meeting.confirmed_at is None
        and meeting.minutes_by != actor.person_id,
        door_url=url_for("meetings.door", code=place.code, meeting_id=meeting_id, door_key=key),
        attendance=_attendance(meeting),
    )
    return page, (REFUSED if request.method == "POST" else 200)


@bp.get("/c/<code>/desk/meetings/<meeting_id>/door.svg")
@guard.needs(Permission.MEETING_HOLD)
def door_qr(code: str, meeting_id: str) -> Response:
    """The QR for the door."""
    key = queries.door_key(g.place.id, meeting_id)
    address = web.lasting_address("meetings.door", code=code, meeting_id=meeting_id, door_key=key)
    return Response(qr.svg(address), mimetype="image/svg+xml")


@bp.post("/c/<code>/desk/meetings/<meeting_id>/reserve")
@guard.needs(Permission.MEETING_HOLD)
def reserve(code: str, meeting_id: str) -> ResponseReturnValue:
    """Give a held place to somebody without a phone."""
    form = CheckInForm()

    def act() -> None:
        operations.reserve_at_desk(
            browser.current_actor(),
            community_id=g.place.id,
            meeting_id=meeting_id,
            label=form.label.data or "",
            once=form.once.data or None,
        )

    return _after(code, meeting_id, form, act, [_("已登记一位。")])


@bp.post("/c/<code>/desk/meetings/<meeting_id>/walk-in")
@guard.needs(Permission.MEETING_HOLD)
def walk_in(code: str, meeting_id: str) -> ResponseReturnValue:
    """Check in somebody who simply came."""
    form = CheckInForm()

    def act() -> None:
        operations.walk_in(
            browser.current_actor(),
            community_id=g.place.id,
            meeting_id=meeting_id,
            person=operations.WalkIn(
                form.label.data or "", form.band.data or "", form.once.data or None
            ),
        )

    return _after(code, meeting_id, form, act, [_("已签到一位。")])


@bp.post("/c/<code>/desk/meetings/<meeting_id>/seats/<int:seat_id>")
@guard.needs(Permission.MEETING_HOLD)
def check_in(code: str, meeting_id: str, seat_id: int) -> ResponseReturnValue:
    """Check in somebody from the list."""
    form = CheckInForm()
    told = [_("已签到。")]

    def act() -> None:
        first = operations.check_in_seat(
            browser.current_actor(),
            community_id=g.place.id,
            meeting_id=meeting_id,
            seat_id=seat_id,
            band=form.band.data or "",
        )
        if not first:
            told[0] = _("这位已经签过到了，没有再记一次。")

    return _after(code, meeting_id, form, act, told)


@bp.post("/c/<code>/desk/meetings/<meeting_id>/close")
@guard.needs(Permission.MEETING_END)
def close(code: str, meeting_id: str) -> ResponseReturnValue:
    """End a meeting."""
    form = CloseForm()

    def act() -> None:
        operations.close_meeting(
            browser.current_actor(),
            community_id=g.place.id,
            meeting_id=meeting_id,
            without_quorum=bool(form.without_quorum.data),
        )

    if web.carried_out(form, act):
        web.tell("done", _("会议结束，到场人数已记入公开记录。"))
        return redirect(url_for("meetings.desk_meeting", code=code, meeting_id=meeting_id), 303)
    return _desk_page(meeting_id, _fresh(), MinutesForm(formdata=None), form)


@bp.post("/c/<code>/desk/meetings/<meeting_id>/minutes")
@guard.needs(Permission.MINUTES_WRITE)
def minutes(code: str, meeting_id: str) -> ResponseReturnValue:
    """Save the minutes."""
    form = MinutesForm()

    def act() -> None:
        operations.write_minutes(
            browser.current_actor(),
            community_id=g.place.id,
            meeting_id=meeting_id,
            text=form.text.data or "",
        )

    if web.carried_out(form, act):
        web.tell("done", _("纪要已保存。散会后请另一位工作人员确认。"))
        return redirect(url_for("meetings.desk_meeting", code=code, meeting_id=meeting_id), 303)
    return _desk_page(meeting_id, _fresh(), form)


@bp.post("/c/<code>/desk/meetings/<meeting_id>/confirm")
@guard.needs(Permission.MINUTES_CONFIRM)
def confirm(code: str, meeting_id: str) -> ResponseReturnValue:
    """Confirm the minutes as a second person."""
    web.once(
        lambda: operations.confirm_minutes(
            browser.current_actor(), community_id=g.place.id, meeting_id=meeting_id
        )
    )
    web.tell("done", _("纪要已确认并公布。"))
    # The role of whoever chaired this meeting has just ended; the public page is open to all.
    stays = guard.may_open("meetings.desk")
    page = "meetings.desk_meeting" if stays else "meetings.show"
    return redirect(url_for(page, code=code, meeting_id=meeting_id), 303)


def _after(
    code: str, meeting_id: str, form: CheckInForm, act: Callable[[], None], told: list[str]
) -> ResponseReturnValue:
    """Go back to the meeting's page; `told` is read after the act, which may have more to say."""
    if web.carried_out(form, act):
        web.tell("done", told[0])
        return redirect(url_for("meetings.desk_meeting", code=code, meeting_id=meeting_id), 303)
    return _desk_page(meeting_id, form, MinutesForm(formdata=None))


def _address(community_id: int, meeting_id: str) -> tuple[str, str]:
    meeting = queries.meeting(community_id, meeting_id)
    return meeting.title, url_for("meetings.show", code=g.place.code, meeting_id=meeting_id)


def _news(community_id: int, news: News) -> str:
    """Say what happened to a meeting, for an inbox."""
    if news.kind is not PersonNoticeKind.MEETING_CHANGED or not news.detail:
        return ""
    meeting = queries.meeting(community_id, news.rest)
    return words.changed(news.detail, meeting.title, time_text(meeting.starts_at), meeting.reason)


def desk_party_page(meeting_id: str, party: PartyForm) -> ResponseReturnValue:
    """Give the desk's page of a meeting with what was tried about a party."""
    return _desk_page(meeting_id, _fresh(), MinutesForm(formdata=None), party=party)


def _scopes(community_id: int) -> list[Scoped]:
    """The meetings in which somebody can act for a body."""
    going_on = {MeetingState.ANNOUNCED, MeetingState.OPEN}
    return [
        Scoped(f"meeting:{one.public_id}", one.title, one.state in going_on)
        for one in queries.meetings_of(community_id)
    ]


register_scopes("meeting", _scopes)
register_address("meeting", _address)
register_news("meeting", _news)
