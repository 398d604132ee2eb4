"""The desk's page for letters: choose, see what would happen, make them; and the delivery lists.

These are routes of the room's one blueprint; the features' list names this module, which has both.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from flask import current_app, g, render_template, request, send_file
from flask_babel import gettext as _

from app.communities import walks
from app.core import guard, web
from app.core.errors import NotFound, RuleBroken
from app.core.times import in_record_language
from app.exports import operations, papers, printing, queries, words
from app.exports.forms import LettersForm, MakeLettersForm
from app.exports.operations import LettersWanted
from app.exports.rules import HaveLetter
from app.exports.views import PDF, bp, download
from app.people import browser
from app.people import queries as people
from app.people.words import part_line
from app.policy.table import Permission

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Response
    from flask.typing import ResponseReturnValue

    from app.communities.walks import Home

DONE_COOKIE = "linyi_done"


@bp.get("/c/<code>/desk/letters")
@guard.needs(Permission.LETTERS_PRINT)
def letters(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show whom letters can be made for, and what making these would do."""
    have = request.args.get("have", "")
    known = HaveLetter(have) if have in set(HaveLetter) else HaveLetter.SKIP
    return _page(request.args.get("part", "") or walks.EVERYBODY, known)


def _page(part: str, have: HaveLetter, refusal: str = "") -> ResponseReturnValue:
    walk = walks.homes(g.place.id)
    inside = walks.chosen(walk, part)
    everybody = _("全社区")
    name = walks.part_name(inside, part, everybody)
    choose = LettersForm(data={"part": part, "have": have.value}, formdata=None)
    choose.offer(_offered(walk, part, name, everybody), demo=g.place.demo)
    shown_have = have if have is not HaveLetter.AGAIN or g.place.demo else HaveLetter.SKIP
    plan = queries.letter_plan(g.place, inside, shown_have)
    make = MakeLettersForm(
        data={"part": part, "have": shown_have.value, "stamp": plan.stamp}, formdata=None
    )
    if refusal:
        make.form_errors.append(refusal)
    return render_template(
        "exports/letters.html",
        place=g.place,
        choose=choose,
        make=make,
        name=name,
        homes=f"{len(inside):,}",
        letters=f"{plan.letters:,}",
        plan=plan,
        lines=words.plan_lines(plan),
        wait=words.waiting(plan.letters),
        part=part,
        nobody=not walk,
        asks_twice=bool(plan.voided) and _asks_twice(part, shown_have),
        single=part.startswith("household-"),
    ), (422 if refusal else 200)


def _offered(
    walk: Sequence[Home], part: str, name: str, everybody: str
) -> dict[str, list[tuple[str, str]]]:
    offered = {
        estate: [(one.key, part_line(one.name, one.homes)) for one in inside]
        for estate, inside in walks.parts(walk, everybody)
    }
    # A single home is not among hundreds to choose from; it comes from its own page.
    if part.startswith("household-"):
        offered = {_("这一户"): [(part, name)]} | offered
    return offered


@bp.post("/c/<code>/desk/letters")
@guard.needs(Permission.LETTERS_PRINT)
@guard.fresh_file
def make_letters(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Make the letters that were shown, and the codes on them; they exist nowhere else."""
    form = MakeLettersForm()
    if not form.validate_on_submit():
        return _page(walks.EVERYBODY, HaveLetter.SKIP, _("请先看清楚要印哪些信，再生成。"))
    wanted = LettersWanted(form.part.data, HaveLetter(form.have.data), form.stamp.data)
    if _asks_twice(wanted.part, wanted.have_letter) and not form.sure.data:
        sentence = _("旧信会作废，请先在下面打勾，再生成。什么都没有改动。")
        return _page(wanted.part, wanted.have_letter, sentence)
    out = tempfile.TemporaryFile()  # noqa: SIM115 -- the answer closes it
    try:
        done = operations.print_letters(
            browser.current_actor(), community=g.place, wanted=wanted, out=out
        )
    except RuleBroken as refusal:
        out.close()
        return _page(wanted.part, wanted.have_letter, web.sentence(refusal))
    out.seek(0)
    name = f"{g.place.code}-letters-{done.letters}.pdf"
    return _noticed(send_file(out, PDF, as_attachment=True, download_name=name), form.ticket.data)


def _asks_twice(part: str, have: HaveLetter) -> bool:
    """Whether so many letters may be voided that one press of a button is too little."""
    return have is HaveLetter.REISSUE and not part.startswith("household-")


def _noticed(answer: Response, ticket: str | None) -> Response:
    """Let the page see that its file has come: a download leaves it where it was."""
    if ticket:
        secure = current_app.config["SETTINGS"].secure
        answer.set_cookie(DONE_COOKIE, ticket, max_age=60, secure=secure, samesite="Lax")
    return answer


@bp.get("/c/<code>/desk/letters/delivery.pdf")
@guard.needs(Permission.LETTERS_PRINT)
@guard.fresh_file
def delivery(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Hand out the delivery lists of a part, one for each building."""
    inside = walks.chosen(walks.homes(g.place.id), request.args.get("part", walks.EVERYBODY))
    if not inside:
        raise NotFound("homes")
    out = tempfile.TemporaryFile()  # noqa: SIM115 -- the answer closes it
    with in_record_language():
        lists = papers.delivery_lists(inside, people.letters_issued(g.place.id))
        printing.write_delivery_lists(papers.sender(g.place), lists, out)
    out.seek(0)
    return send_file(out, PDF, as_attachment=True, download_name=f"{g.place.code}-delivery.pdf")


@bp.post("/c/<code>/desk/households/<int:household_id>/took-part.pdf")
@guard.needs(Permission.CODE_MANAGE)
@guard.fresh_file
def took_part(code: str, household_id: int) -> ResponseReturnValue:  # noqa: ARG001
    """Print for a household that asks in person in which polls it took part; it is told."""
    data = operations.print_took_part(
        browser.current_actor(), community=g.place, household_id=household_id
    )
    return download(data, PDF, f"{g.place.code}-took-part.pdf")
