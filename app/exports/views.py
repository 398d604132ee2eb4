"""Records, letters, posters and notices to take away, and the public record page."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, render_template, request, send_file
from flask_babel import gettext as _

from app.consultations import queries as topics
from app.core import guard, web
from app.core.errors import NotFound
from app.core.limits import Ceiling
from app.core.record import latest_checkpoint
from app.core.times import in_record_language, is_chinese
from app.exports import archive, operations, papers, printing, queries
from app.exports.forms import CheckCodeForm
from app.meetings import queries as meetings
from app.people import browser
from app.policy.table import Permission
from app.projects import queries as projects
from app.voting import queries as voting
from app.voting import words

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("exports", __name__)

# A whole estate may share one address, and each archive is work.
ARCHIVES = Ceiling(60, 600)
PDF = "application/pdf"
ZIP = "application/zip"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def download(data: bytes, mimetype: str, name: str) -> Response:
    """A file to keep."""
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
    if not is_chinese():
        titles = voting.poll_view(community_id, poll.public_id).titles
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
    return download(archive.keys_json(g.place.id), "application/json", "keys.json")


@bp.get("/verify_record.py")
@guard.public
def verifier() -> ResponseReturnValue:
    """Hand out the verifier, the same file that lies in every archive."""
    return download(archive.VERIFIER.read_bytes(), "text/x-python", "verify_record.py")


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
@guard.fresh_file
def archive_file(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Sign the log and hand out its archive; it is written to disk, never held in memory."""
    out = tempfile.TemporaryFile()  # noqa: SIM115 -- the answer closes it
    done = operations.export_record(browser.current_actor(), community=g.place, out=out)
    out.seek(0)
    return send_file(out, "application/zip", as_attachment=True, download_name=done.name)


@bp.get("/c/<code>/desk/records/<poll_id>.xlsx")
@guard.needs(Permission.RECORD_EXPORT)
@guard.fresh_file
def poll_workbook(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Hand out one poll's record as a workbook."""
    data = _poll_file(poll_id, ".xlsx")
    return download(data, XLSX, f"{g.place.code}-{poll_id}.xlsx")


@bp.get("/c/<code>/desk/records/<poll_id>.csv")
@guard.needs(Permission.RECORD_EXPORT)
@guard.fresh_file
def poll_csv(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Hand out one poll's record as CSV."""
    return download(_poll_file(poll_id, ".csv"), "text/csv", f"{g.place.code}-{poll_id}.csv")


def _poll_file(poll_id: str, form: str) -> bytes:
    return operations.export_poll(
        browser.current_actor(), community=g.place, poll_id=poll_id, form=form
    )


# --- papers --------------------------------------------------------------------------------------


@bp.get("/c/<code>/votes/<poll_id>/poster.pdf")
@guard.public
def poster(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Hand out the poster of an opened poll, A4 or, for `size=a3`, A3."""
    size = request.args.get("size", "a4")
    if size not in printing.POSTER_SIZES:
        raise NotFound("size")
    with in_record_language():
        poll = voting.poll_view(g.place.id, poll_id)
        data = printing.poster_pdf(papers.sender(g.place), papers.poster(poll, size))
    return download(data, PDF, f"{g.place.code}-{poll_id}-poster-{size}.pdf")


@bp.get("/c/<code>/desk/ratings/<project_code>/sheet.pdf")
@guard.needs(Permission.DESK_VIEW)
def facility_sheet(code: str, project_code: str) -> ResponseReturnValue:  # noqa: ARG001
    """Hand out the sheet that hangs at a finished facility."""
    with in_record_language():
        sheet = papers.facility_sheet(g.place, projects.project(g.place.id, project_code))
        data = printing.facility_pdf(papers.sender(g.place), sheet)
    return download(data, PDF, f"{g.place.code}-{project_code}-sheet.pdf")


@bp.get("/c/<code>/votes/<poll_id>/notice.pdf")
@guard.public
def result_notice(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Hand out the result notice of a closed poll."""
    with in_record_language():
        notice = papers.result_notice(g.place, voting.result_view(g.place.id, poll_id))
        data = printing.result_notice_pdf(papers.sender(g.place), notice)
    return download(data, PDF, f"{g.place.code}-{poll_id}-notice.pdf")


@bp.get("/c/<code>/votes/<poll_id>/result.pdf")
@guard.public
def result_form(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Hand out the result form of a closed poll: what its result page shows, to be signed."""
    with in_record_language():
        form = papers.result_form(g.place, voting.result_view(g.place.id, poll_id))
        data = printing.result_form_pdf(papers.sender(g.place), form)
    return download(data, PDF, f"{g.place.code}-{poll_id}-result.pdf")


@bp.get("/c/<code>/votes/<poll_id>/receipt.pdf")
@guard.needs(Permission.BALLOT_CAST)
def receipt(code: str, poll_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Hand out the receipt of one's own ballot, to whoever cast it and nobody else."""
    actor = browser.current_actor()
    home = actor.home_in(g.place.id)
    if home is None:
        raise NotFound("household")
    view = voting.ballot_view(g.place.id, poll_id, home, actor.require_person())
    if view.choice is None or not view.check_code:
        raise NotFound("ballot")
    choice = words.choice_text(view.choice, view.poll.titles)
    data = printing.receipt_pdf(papers.sender(g.place), papers.receipt(g.place, view, choice))
    return download(data, PDF, f"{g.place.code}-{poll_id}-receipt.pdf")


@bp.get("/c/<code>/meetings/<meeting_id>/notice.pdf")
@guard.public
def meeting_notice(code: str, meeting_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Hand out the notice of a meeting, with its agenda and a QR."""
    with in_record_language():
        meeting = meetings.meeting(g.place.id, meeting_id)
        prefix, _colon, topic_id = meeting.subject.partition(":")
        question = topics.topic(g.place.id, topic_id).question if prefix == "topic" else ""
        corrected = meetings.corrected(g.place.id, meeting)
        notice = papers.meeting_notice(g.place, meeting, question, corrected)
        data = printing.meeting_pdf(papers.sender(g.place), notice)
    return download(data, PDF, f"{g.place.code}-{meeting_id}-notice.pdf")


@bp.get("/c/<code>/desk/topics/<topic_id>/dossier.zip")
@guard.needs(Permission.RECORD_EXPORT)
@guard.fresh_file
def dossier(code: str, topic_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Hand out the dossier of a topic."""
    topics.topic(g.place.id, topic_id)
    data = operations.export_dossier(browser.current_actor(), community=g.place, topic_id=topic_id)
    return download(data, ZIP, f"{g.place.code}-{topic_id}-dossier.zip")
