"""Records, letters, posters and notices to take away, and the public record page."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, render_template, request, send_file
from flask_babel import gettext as _

from app.communities import queries as communities
from app.consultations import queries as topics
from app.core import guard, web
from app.core.errors import NotFound
from app.core.limits import Ceiling
from app.core.record import latest_checkpoint
from app.core.shapes import row_id
from app.exports import archive, operations, papers, poll_report, printing, queries, workbooks
from app.exports.forms import CheckCodeForm, LettersForm
from app.meetings import queries as meetings
from app.people import browser
from app.people import operations as people
from app.people import queries as codes
from app.policy.table import Permission
from app.voting import queries as voting
from app.voting import words
from app.voting.rules import Phase

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.communities.queries import HouseholdAddress

bp = Blueprint("exports", __name__)

# A whole estate may share one address, and each archive is work.
ARCHIVES = Ceiling(60, 600)
PDF = "application/pdf"
ZIP = "application/zip"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _download(data: bytes, mimetype: str, name: str) -> Response:
    answer = Response(data, mimetype=mimetype)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


# --- the public record -----------------------------------------------------------------------


@bp.route("/c/<code>/record", methods=["GET", "POST"])
@guard.public
def record(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show the newest checkpoint, and find an entry by the check code of its receipt."""
    form = CheckCodeForm()
    asked = form.validate_on_submit()
    found = queries.entry_by_check_code(g.place.id, form.code.data or "") if asked else None
    return render_template(
        "exports/record.html",
        place=g.place,
        form=form,
        asked=asked,
        found=found,
        choice=_choice(g.place.id, found) if found else "",
        log=queries.log_of(g.place.id),
        checkpoint=latest_checkpoint(g.place.id),
    )


def _choice(community_id: int, found: queries.FoundEntry) -> str:
    if found.choice is None:
        return ""
    poll = queries.poll_in_record(community_id, found.subject.removeprefix("poll:"))
    titles = {option["id"]: option["title"] for option in poll.definition["options"]}
    return words.choice_text(found.choice, titles)


@bp.get("/c/<code>/record.zip")
@guard.public
def public_archive(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Hand anyone the archive up to the newest checkpoint: it names nobody, and writes nothing."""
    if not ARCHIVES.admits(request.remote_addr or ""):
        return web.refusal_page(
            429, _("下载的人太多"), _("存档没有下载。什么都没有改动，请过十分钟再试。")
        )
    out = tempfile.TemporaryFile()  # noqa: SIM115 -- the answer closes it
    name = archive.write_public(out, g.place.id)
    out.seek(0)
    return send_file(out, "application/zip", as_attachment=True, download_name=name)


@bp.get("/c/<code>/keys.json")
@guard.public
def keys(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Hand out the public key of the checkpoints, to be kept apart from the archive."""
    return _download(archive.keys_json(g.place.id), "application/json", "keys.json")


@bp.get("/verify_record.py")
@guard.public
def verifier() -> ResponseReturnValue:
    """Hand out the verifier, the same file that lies in every archive."""
    return _download(archive.VERIFIER.read_bytes(), "text/x-python", "verify_record.py")


# --- the desk's exports ------------------------------------------------------------------------


@bp.get("/c/<code>/desk/records")
@guard.needs(Permission.RECORD_EXPORT)
def desk(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show what can be exported."""
    log = queries.log_of(g.place.id)
    return render_template(
        "exports/desk.html",
        place=g.place,
        log=log,
        polls=queries.polls_in_record(g.place.id, log.size),
    )


@bp.post("/c/<code>/desk/records/archive")
@guard.needs(Permission.RECORD_EXPORT)
def archive_file(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Sign the log and hand out its archive; it is written to disk, never held in memory."""
    out = tempfile.TemporaryFile()  # noqa: SIM115 -- the answer closes it
    done = operations.export_record(browser.current_actor(), community=g.place, out=out)
    out.seek(0)
    return send_file(out, "application/zip", as_attachment=True, download_name=done.name)


@bp.get("/c/<code>/desk/records/<poll_id>.xlsx")
@guard.needs(Permission.RECORD_EXPORT)
def poll_workbook(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Hand out one poll's record as a workbook."""
    data = workbooks.as_workbook(_tables(poll_id))
    return _download(data, XLSX, f"{g.place.code}-{poll_id}.xlsx")


@bp.get("/c/<code>/desk/records/<poll_id>.csv")
@guard.needs(Permission.RECORD_EXPORT)
def poll_csv(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Hand out one poll's record as CSV."""
    return _download(
        workbooks.as_csv(_tables(poll_id)), "text/csv", f"{g.place.code}-{poll_id}.csv"
    )


def _tables(poll_id: str) -> list[poll_report.Table]:
    return poll_report.of_poll(g.place.id, poll_id)


# --- papers --------------------------------------------------------------------------------------


@bp.get("/c/<code>/votes/<poll_id>/poster.pdf")
@guard.public
def poster(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Hand out the poster of an opened poll."""
    poll = voting.poll_view(g.place.id, poll_id)
    data = printing.poster_pdf(papers.sender(g.place), papers.poster(poll))
    return _download(data, PDF, f"{g.place.code}-{poll_id}-poster.pdf")


@bp.get("/c/<code>/votes/<poll_id>/notice.pdf")
@guard.public
def result_notice(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Hand out the result notice of a closed poll."""
    result = voting.result_view(g.place.id, poll_id)
    data = printing.result_notice_pdf(papers.sender(g.place), papers.result_notice(g.place, result))
    return _download(data, PDF, f"{g.place.code}-{poll_id}-notice.pdf")


@bp.get("/c/<code>/meetings/<meeting_id>/notice.pdf")
@guard.public
def meeting_notice(code: str, meeting_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Hand out the notice of a meeting, with its agenda and a QR."""
    meeting = meetings.meeting(g.place.id, meeting_id)
    prefix, _colon, topic_id = meeting.subject.partition(":")
    question = topics.topic(g.place.id, topic_id).question if prefix == "topic" else ""
    data = printing.meeting_pdf(papers.sender(g.place), papers.meeting_notice(meeting, question))
    return _download(data, PDF, f"{g.place.code}-{meeting_id}-notice.pdf")


@bp.get("/c/<code>/desk/topics/<topic_id>/dossier.zip")
@guard.needs(Permission.RECORD_EXPORT)
def dossier(code: str, topic_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Hand out the dossier of a topic."""
    topics.topic(g.place.id, topic_id)
    data = operations.export_dossier(browser.current_actor(), community=g.place, topic_id=topic_id)
    return _download(data, ZIP, f"{g.place.code}-{topic_id}-dossier.zip")


@bp.route("/c/<code>/desk/letters", methods=["GET", "POST"])
@guard.needs(Permission.LETTERS_PRINT)
def letters(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Make new codes and the letters that carry them; the codes exist nowhere else."""
    form = LettersForm()
    form.building.choices = [
        (b.id, f"{b.estate} {b.name}") for b in communities.buildings(g.place.id)
    ]
    address = _one_household(form.household.data or request.args.get("household", ""))
    if address is not None and request.method == "POST":
        return _letters([address])
    if not form.validate_on_submit():
        return _letters_page(form, address)
    chosen = _chosen(form)
    if not chosen:
        form.form_errors.append(_("没有要印的户：每一户都已经有有效的信。什么都没有改动。"))
        return _letters_page(form, address)
    return _letters(chosen)


def _letters_page(form: LettersForm, address: HouseholdAddress | None) -> ResponseReturnValue:
    status = 422 if request.method == "POST" else 200
    return render_template(
        "exports/letters.html", place=g.place, form=form, address=address
    ), status


def _one_household(text: str) -> HouseholdAddress | None:
    if not text:
        return None
    household_id = row_id(text)
    if household_id is None:
        raise NotFound("household")
    return communities.address_of(g.place.id, household_id)


def _chosen(form: LettersForm) -> list[HouseholdAddress]:
    building = form.building.data if form.scope.data == "building" else None
    addresses = communities.households_for_letters(g.place.id, building_id=building)
    if form.scope.data != "new":
        return addresses
    living = codes.households_with_code(g.place.id)
    return [address for address in addresses if address.household_id not in living]


def _letters(addresses: list[HouseholdAddress]) -> ResponseReturnValue:
    issued = people.issue_codes(
        browser.current_actor(),
        community_id=g.place.id,
        household_ids=[address.household_id for address in addresses],
    )
    by_household = {one.household_id: one for one in issued}
    text = papers.letter_text(
        [poll for poll in voting.poll_cards(g.place.id) if poll.phase is Phase.OPEN]
    )
    data = printing.letters_pdf(
        papers.sender(g.place), text, papers.letters(addresses, by_household)
    )
    return _download(data, PDF, f"{g.place.code}-letters-{len(addresses)}.pdf")
