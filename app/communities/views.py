"""The desk's pages for the roll: upload, preview, bring in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.communities import operations, places, queries, roll_reading, words
from app.communities.forms import ActForm, RollForm
from app.core import guard, web
from app.core.errors import RuleBroken
from app.policy.table import Permission

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

bp = Blueprint("communities", __name__)

SHOWN = 50


@bp.route("/c/<code>/desk/roll", methods=["GET", "POST"])
@guard.needs(Permission.ROLL_IMPORT)
@guard.takes(roll_reading.MAX_BYTES + 64 * 1024)
def roll(code: str) -> ResponseReturnValue:
    """Take in a workbook and lead to its preview."""
    form = RollForm()
    if form.validate_on_submit():
        upload = form.file.data
        try:
            public_id = operations.upload_roll(
                guard.current_actor(),
                community_id=g.place.id,
                data=upload.read(),
                file_name=upload.filename or "",
            )
        except RuleBroken as error:
            form.form_errors.append(web.sentence(error))
        else:
            return redirect(
                url_for("communities.roll_preview", code=code, upload_id=public_id), 303
            )
    status = 422 if request.method == "POST" else 200
    return render_template(
        "communities/roll.html",
        place=g.place,
        form=form,
        buildings=queries.buildings(g.place.id),
        to_confirm=not queries.roll_confirmed(g.place.id),
    ), status


@bp.post("/c/<code>/desk/roll/confirm")
@guard.needs(Permission.ROLL_IMPORT)
def roll_confirm(code: str) -> ResponseReturnValue:
    """Keep that the roll was looked at; a second click changes nothing."""
    places.confirm_roll(guard.current_actor(), community_id=g.place.id)
    web.tell("done", _("记下了：户数对过了。下一步给每一户印信。"))
    return redirect(url_for("portal.desk", code=code), 303)


@bp.get("/c/<code>/desk/roll/<upload_id>")
@guard.needs(Permission.ROLL_IMPORT)
def roll_preview(code: str, upload_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Show what bringing a file in would do, before anything is changed."""
    view = queries.upload_view(g.place.id, upload_id)
    return render_template(
        "communities/roll_preview.html",
        place=g.place,
        view=view,
        form=ActForm(),
        new=len(view.preview.new),
        changed=[
            (row.number, " ".join(row.key), _("、").join(map(words.field_name, fields)))
            for row, fields in view.preview.changed[:SHOWN]
        ],
        changed_number=len(view.preview.changed),
        refused=[(row.number, row.shown, words.refused_row(row)) for row in view.refused],
        warnings=[words.warning(*item) for item in view.warnings.items()],
        missing=[words.field_name(name) for name in view.missing],
    )


@bp.post("/c/<code>/desk/roll/<upload_id>")
@guard.needs(Permission.ROLL_IMPORT)
def roll_apply(code: str, upload_id: str) -> ResponseReturnValue:
    """Bring a file into the roll; a second click changes nothing."""
    done = operations.apply_roll(
        guard.current_actor(), community_id=g.place.id, public_id=upload_id
    )
    web.tell(
        "done",
        _(
            "已导入：新增 %(new)s 户，更新 %(changed)s 户，没有变化 %(unchanged)s 户。",
            new=done.new,
            changed=done.changed,
            unchanged=done.unchanged,
        ),
    )
    return redirect(url_for("communities.roll", code=code), 303)
