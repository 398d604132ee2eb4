"""The log of a city, district or subdistrict: everybody reads it, its staff exports it."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from flask import Blueprint, g, render_template, request, send_file
from flask_babel import gettext as _

from app.core import guard, web
from app.core.record import Above, latest_checkpoint
from app.core.times import time_text
from app.exports import archive, operations, queries, record_words
from app.exports.views import ARCHIVES, download
from app.people import browser
from app.policy.table import Permission, allowed

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("areas", __name__)
LAST_PAGE = 10_000


@bp.get("/d/<jurisdiction>/record")
@guard.public
def record(jurisdiction: str) -> ResponseReturnValue:
    """Show every act of a place above communities, the newest first, and the newest checkpoint."""
    tenant = Above(g.place.id)
    log = queries.log_of(tenant)
    asked = request.args.get("page", 1, type=int)
    pages = max(1, -(-log.size // queries.PAGE))
    page = asked if 1 <= asked <= min(pages, LAST_PAGE) else 1
    exports = allowed(browser.current_actor(), Permission.AREA_RECORD_EXPORT, g.place.place)
    return render_template(
        "exports/area_record.html",
        place=g.place,
        log=log,
        rows=[
            (one.seq, time_text(one.at), record_words.act_text(one), _who(one.actor))
            for one in queries.latest_entries(tenant, page)
        ],
        checkpoint=latest_checkpoint(tenant),
        exports=exports,
        here=jurisdiction,
        page=page,
        pages=pages,
        earlier=page - 1,
        later=page + 1 if page < pages else 0,
    )


def _who(role: str) -> str:
    return record_words.actor_text(role)


@bp.get("/d/<jurisdiction>/record.zip")
@guard.public
def archive_public(jurisdiction: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Hand anyone the archive up to the newest checkpoint: it names nobody, and writes nothing."""
    if not ARCHIVES.admits(request.remote_addr or ""):
        return web.refusal_page(
            429, _("下载的人太多"), _("存档没有下载。什么都没有改动，请过十分钟再试。")
        )
    out = tempfile.TemporaryFile()  # noqa: SIM115 -- the answer closes it
    name = archive.write_public(out, Above(g.place.id))
    out.seek(0)
    return send_file(out, "application/zip", as_attachment=True, download_name=name)


@bp.get("/d/<jurisdiction>/keys.json")
@guard.public
def keys(jurisdiction: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Hand out the public key of the checkpoints, to be kept apart from the archive."""
    return download(archive.keys_json(Above(g.place.id)), "application/json", "keys.json")


@bp.post("/d/<jurisdiction>/record/archive")
@guard.needs(Permission.AREA_RECORD_EXPORT)
@guard.fresh_file
def archive_file(jurisdiction: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Sign the log as it stands and hand out its archive."""
    out = tempfile.TemporaryFile()  # noqa: SIM115 -- the answer closes it
    done = operations.export_area_record(browser.current_actor(), area=g.place, out=out)
    out.seek(0)
    return send_file(out, "application/zip", as_attachment=True, download_name=done.name)
