"""Pages on which residents ask for a correction, and the desk puts the roll right."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.communities import queries as communities
from app.communities.row_rules import row_change
from app.communities.rows import row_of
from app.core import guard, web
from app.core.errors import NotFound
from app.core.shapes import row_id
from app.correcting import operations, queries, rules, words
from app.correcting.forms import AnswerForm, AskForm, RowForm
from app.correcting.rules import State, What
from app.people import browser
from app.people.rules import mask_phone
from app.people.words import area_text
from app.policy.table import Permission

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue
    from flask_wtf import FlaskForm

bp = Blueprint("correcting", __name__)
REFUSED = 422


@bp.route("/c/<code>/mine/corrections", methods=["GET", "POST"])
@guard.needs(Permission.CORRECTION_ASK)
def ask(code: str) -> ResponseReturnValue:
    """Show what the roll holds of one's household, and ask for what is wrong to be put right."""
    actor, form = browser.current_actor(), AskForm()
    if web.carried_out(
        form,
        lambda: operations.ask_correction(
            actor,
            community_id=g.place.id,
            household_id=row_id(form.home.data or "") or 0,
            what=What(form.what.data),
            text=form.text.data or "",
            once=form.once.data or "",
        ),
    ):
        web.tell("done", _("已交给服务台。核实以后会改，或者告诉您为什么不改，最多 15 天。"))
        return redirect(url_for("correcting.ask", code=code), 303)
    home = actor.homes_in(g.place.id)[0]
    if not form.is_submitted():
        fresh = {"home": str(home.household_id), "once": secrets.token_hex(16)}
        form = AskForm(data=fresh, formdata=None)
    row = row_of(g.place.id, home.household_id)
    return render_template(
        "correcting/ask.html",
        place=g.place,
        form=form,
        row=row,
        head=rules.masked_name(row.household_head),
        owner="、".join(rules.masked_name(name) for name in row.owner_name.split("、")),
        phones=[mask_phone(phone) for phone in row.phones],
        area=area_text(row.area_registered_c),
        asked=[
            (one, words.what_text(one.what), words.state_badge(one.state))
            for one in queries.own(g.place.id, actor.require_person())
        ],
    ), _status(form)


# --- the desk ------------------------------------------------------------------------------


@bp.get("/c/<code>/desk/corrections")
@guard.needs(Permission.ROLL_CORRECT)
def desk(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show what residents ask to have put right, and what was done about it."""
    return render_template(
        "correcting/desk.html",
        place=g.place,
        waiting=_lines(queries.waiting(g.place.id)),
        done=_lines(queries.done(g.place.id)),
        within=rules.ANSWERED_WITHIN.days,
    )


def _lines(
    found: list[queries.RequestView],
) -> list[tuple[queries.RequestView, str, tuple[str, str]]]:
    return [(one, words.what_text(one.what), words.state_badge(one.state)) for one in found]


@bp.route("/c/<code>/desk/corrections/<int:correction_id>", methods=["GET", "POST"])
@guard.needs(Permission.ROLL_CORRECT)
def answer(code: str, correction_id: int) -> ResponseReturnValue:
    """Show one request beside the roll, and say why the roll stays as it is."""
    form = AnswerForm()
    asked = queries.request_of(g.place.id, correction_id)
    if web.carried_out(
        form,
        lambda: operations.answer_correction(
            browser.current_actor(),
            community_id=g.place.id,
            correction_id=correction_id,
            answer=form.answer.data or "",
        ),
    ):
        web.tell("done", _("已答复，提出的人会看到。底册没有改动。"))
        return redirect(url_for("correcting.desk", code=code), 303)
    return render_template(
        "correcting/answer.html",
        place=g.place,
        form=form,
        asked=asked,
        what=words.what_text(asked.what),
        badge_of=words.state_badge(asked.state),
        waits=asked.state is State.WAITING,
        **_held(asked.household_id),
    ), _status(form)


@bp.route("/c/<code>/desk/households/<int:household_id>/roll", methods=["GET", "POST"])
@guard.needs(Permission.ROLL_CORRECT)
def correct(code: str, household_id: int) -> ResponseReturnValue:
    """Put right what the roll has of one household, asked for or not."""
    form = RowForm(correction=request.args.get("correction", ""))
    asked = _asked(form.correction.data or "", household_id)

    def act() -> None:
        operations.correct_roll(
            browser.current_actor(),
            community_id=g.place.id,
            household_id=household_id,
            change=row_change(
                phones=form.phones.data or "",
                owner=form.owner.data or "",
                head=form.head.data or "",
                area=form.area.data or "",
            ),
            correction_id=asked.id if asked else None,
        )

    if web.carried_out(form, act):
        web.tell("done", _("底册改好了，本户会看到改了哪一项。"))
        if asked:
            return redirect(url_for("correcting.desk", code=code), 303)
        return redirect(url_for("people.desk_household", code=code, household_id=household_id), 303)
    return render_template(
        "correcting/correct.html",
        place=g.place,
        form=form,
        address=communities.address_of(g.place.id, household_id),
        asked=asked,
        **_held(household_id),
    ), _status(form)


def _asked(text: str, household_id: int) -> queries.RequestView | None:
    """The request that the form is about; none where it names none. Raises: NotFound."""
    if not text:
        return None
    asked = queries.request_of(g.place.id, row_id(text) or 0)
    if asked.household_id != household_id:
        raise NotFound("correction")
    return asked


def _held(household_id: int) -> dict[str, object]:
    """What the roll has, for the desk: whole names, phones with their middle hidden."""
    row = row_of(g.place.id, household_id)
    return {
        "row": row,
        "phones": [mask_phone(phone) for phone in row.phones],
        "area": area_text(row.area_registered_c),
    }


def _status(form: FlaskForm) -> int:
    return REFUSED if form.is_submitted() and form.errors else 200
