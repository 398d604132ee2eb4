"""The desk's pages for the roll: upload, sheet, columns, preview, households left out, bring in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.communities import (
    operations,
    places,
    queries,
    refused_book,
    roll_queries,
    roll_reading,
    staging,
    words,
)
from app.communities.forms import ActForm, ColumnsForm, RollForm, SheetForm
from app.communities.models import Decision, UploadState
from app.core import guard, web
from app.core.errors import RuleBroken
from app.policy.table import Permission, Place, allowed

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.communities.roll_queries import UploadView

bp = Blueprint("communities", __name__)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# How often a page that waits for the worker looks again.
LOOK_AGAIN_SECONDS = "2"
LONGEST_ID = 9
WAITING = (UploadState.READING, UploadState.APPLYING)


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
        decides=allowed(guard.current_actor(), Permission.OWNER_SET_DECIDE, Place(g.place.id)),
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
    """Show how far an upload is, what it asks, or what bringing it in would do."""
    view = roll_queries.upload_view(g.place.id, upload_id)
    if view.state in WAITING:
        answer = make_response(
            render_template("communities/roll_waiting.html", place=g.place, view=view)
        )
        answer.headers["Refresh"] = LOOK_AGAIN_SECONDS
        return answer
    if view.state is UploadState.ASKING_SHEET or request.args.get("sheet"):
        return _sheet_page(view, SheetForm())
    if view.state is UploadState.ASKING_COLUMNS:
        return _columns_page(view, ColumnsForm(estate=_only_estate()))
    return _preview(view)


def _preview(view: UploadView) -> ResponseReturnValue:
    applied = view.state is UploadState.APPLIED
    # What has been brought in no longer differs from the roll: there is nothing left to name.
    lists = {"refused": view.held_back, "changed": 0 if applied else view.counts["changed"]}
    shown = request.args.get("show", "") or ("refused" if view.held_back else "changed")
    shown = shown if shown in lists else "refused"
    page = _page()
    rows = roll_queries.lines(view, g.place.id, shown, page) if lists[shown] else []
    return render_template(
        "communities/roll_preview.html",
        place=g.place,
        view=view,
        applied=applied,
        to_confirm=applied and not queries.roll_confirmed(g.place.id),
        form=ActForm(),
        new=view.counts["new"],
        repeated=view.counts["twice"],
        removed=view.counts["remove"],
        staying=view.asked - view.counts["remove"],
        shown=shown,
        both=all(lists.values()),
        rows=[(row.number, row.address, _about(shown, row)) for row in rows],
        pager=_pager(view.public_id, page, lists[shown], show=shown),
        warnings=[words.warning(*one) for one in view.warnings.items() if one[0] != "use_unknown"],
        unknown_use=_unknown_use(view),
        missing=words.field_names(view.missing),
        hidden=[sheet.name for sheet in view.sheets if sheet != view.sheet],
        mapped=[c for c in view.columns if c.origin == "mapped"],
        unknown=[c.text for c in view.columns if c.origin in {"unknown", "unused"}],
        double=[c.text for c in view.columns if c.origin == "double"],
        field_name=words.field_name,
    )


def _unknown_use(view: UploadView) -> str:
    """That rows are taken for no homes because nobody knows the word; empty without any."""
    number = view.warnings.get("use_unknown", 0)
    return words.warning("use_unknown", number, view.uses) if number else ""


def _about(shown: str, row: roll_queries.LineView) -> str:
    return words.refused_row(row) if shown == "refused" else words.field_names(row.what)


def _page() -> int:
    """The page of a list that is asked for, within what there can be."""
    return min(max(request.args.get("page", 1, type=int), 1), roll_reading.MAX_ROWS)


def _id(text: str) -> int:
    """The id that a form names; 0, which nothing has, for what is none."""
    return int(text) if text.isdecimal() and len(text) <= LONGEST_ID else 0


def _pager(upload_id: str, page: int, number: int, **more: Any) -> tuple[str, str, int, int]:
    """Addresses before and after a page of a list, its number and how many pages there are."""
    endpoint = request.endpoint or "communities.roll_preview"
    pages = max(1, -(-number // roll_queries.PAGE))

    def address(wanted: int) -> str:
        return url_for(endpoint, code=g.place.code, upload_id=upload_id, page=wanted, **more)

    earlier = address(page - 1) if page > 1 else ""
    return earlier, address(page + 1) if page < pages else "", page, pages


@bp.post("/c/<code>/desk/roll/<upload_id>")
@guard.needs(Permission.ROLL_IMPORT)
@guard.fresh
def roll_apply(code: str, upload_id: str) -> ResponseReturnValue:
    """Bring a file into the roll; a second click changes nothing."""
    actor = guard.current_actor()
    here: dict[str, Any] = {"community_id": g.place.id, "public_id": upload_id}
    preview = redirect(url_for("communities.roll_preview", code=code, upload_id=upload_id), 303)
    if roll_queries.upload_view(g.place.id, upload_id).total > staging.AT_ONCE:
        operations.start_applying(actor, **here)
        return preview
    done = operations.apply_roll(actor, **here)
    web.tell(
        "done",
        _(
            "已导入：新增 %(new)s 户，更新 %(changed)s 户，没有变化 %(unchanged)s 户。",
            new=done.new,
            changed=done.changed,
            unchanged=done.unchanged,
        ),
    )
    return preview


@bp.post("/c/<code>/desk/roll/<upload_id>/sheet")
@guard.needs(Permission.ROLL_IMPORT)
def roll_sheet(code: str, upload_id: str) -> ResponseReturnValue:
    """Say which sheet is the roll."""
    view = roll_queries.upload_view(g.place.id, upload_id)
    form = SheetForm()
    form.sheet.choices = _sheet_choices(view)

    def act() -> None:
        operations.choose_sheet(
            guard.current_actor(),
            community_id=g.place.id,
            public_id=upload_id,
            sheet=form.sheet.data,
        )

    if web.carried_out(form, act):
        return redirect(url_for("communities.roll_preview", code=code, upload_id=upload_id), 303)
    return _sheet_page(view, form)


def _sheet_choices(view: UploadView) -> list[tuple[int, str]]:
    return [(sheet.position, _sheet_words(sheet)) for sheet in view.sheets if sheet.readable]


def _sheet_words(sheet: roll_queries.SheetView) -> str:
    words_of = _("%(name)s（%(rows)s 行）", name=sheet.name, rows=f"{sheet.rows:,}")
    return words_of + _("，隐藏的表") if sheet.hidden else words_of


def _sheet_page(view: UploadView, form: SheetForm) -> ResponseReturnValue:
    form.sheet.choices = _sheet_choices(view)
    status = 422 if request.method == "POST" else 200
    return render_template(
        "communities/roll_sheet.html",
        place=g.place,
        view=view,
        form=form,
        unreadable=[_sheet_words(sheet) for sheet in view.sheets if not sheet.readable],
    ), status


@bp.route("/c/<code>/desk/roll/<upload_id>/columns", methods=["GET", "POST"])
@guard.needs(Permission.ROLL_IMPORT)
def roll_columns(code: str, upload_id: str) -> ResponseReturnValue:
    """Say what columns hold that nobody knows; it is remembered for this community."""
    view = roll_queries.upload_view(g.place.id, upload_id)
    form = ColumnsForm(estate=view.estate or _only_estate())
    known = {name for name, _text in words.importable()}
    chosen = {
        column.text: request.form.get(f"column-{position}", "")
        for position, column in enumerate(view.unknown)
    }

    def act() -> None:
        operations.map_columns(
            guard.current_actor(),
            community_id=g.place.id,
            public_id=upload_id,
            fields={text: name if name in known else "" for text, name in chosen.items()},
            estate=form.estate.data or "",
        )

    if web.carried_out(form, act):
        return redirect(url_for("communities.roll_preview", code=code, upload_id=upload_id), 303)
    return _columns_page(view, form, chosen if request.method == "POST" else {})


def _only_estate() -> str:
    """The community's estate, when there is but one: most likely it is the file's too."""
    names = {building.estate for building in queries.buildings(g.place.id)}
    return names.pop() if len(names) == 1 else ""


def _columns_page(
    view: UploadView, form: ColumnsForm, chosen: dict[str, str] | None = None
) -> ResponseReturnValue:
    status = 422 if request.method == "POST" else 200
    return render_template(
        "communities/roll_columns.html",
        place=g.place,
        view=view,
        form=form,
        columns=[(c.text, (chosen or {}).get(c.text, c.field)) for c in view.unknown],
        fields=words.importable(),
        lacking=words.field_names(view.lacking),
        advice=words.lacking_advice(view.lacking),
    ), status


@bp.get("/c/<code>/desk/roll/<upload_id>/refused.xlsx")
@guard.needs(Permission.ROLL_IMPORT)
@guard.fresh_file
def roll_refused(code: str, upload_id: str) -> ResponseReturnValue:
    """Give the refused rows back, with the reason beside each."""
    view = roll_queries.upload_view(g.place.id, upload_id)
    answer = make_response(refused_book.workbook(view, g.place.id))
    answer.headers["Content-Type"] = XLSX
    answer.headers["Content-Disposition"] = f'attachment; filename="{code}-roll-refused.xlsx"'
    return answer


@bp.route("/c/<code>/desk/roll/<upload_id>/absent", methods=["GET", "POST"])
@guard.needs(Permission.ROLL_IMPORT)
def roll_absent(code: str, upload_id: str) -> ResponseReturnValue:
    """Ask what is to become of households that the file leaves out; unasked, they stay."""
    view = roll_queries.upload_view(g.place.id, upload_id)
    page = _page()
    form = ActForm()

    def act() -> None:
        _decide(upload_id)

    if web.carried_out(form, act):
        web.tell("done", _("选择已经记下。还没有改动底册，确认导入时才会办。"))
        return redirect(request.full_path.rstrip("?"), 303)
    status = 422 if request.method == "POST" else 200
    return render_template(
        "communities/roll_absent.html",
        place=g.place,
        view=view,
        form=form,
        rows=[
            (absent, words.decision_choices(absent))
            for absent in roll_queries.absences(view, g.place.id, page)
        ],
        removed=view.counts.get("remove", 0),
        pager=_pager(upload_id, page, view.asked),
        here=url_for("communities.roll_absent", code=code, upload_id=upload_id, page=page),
    ), status


def _decide(upload_id: str) -> None:
    here: dict[str, Any] = {"community_id": g.place.id, "public_id": upload_id}
    everyone = request.form.get("all", "")
    if everyone:
        operations.decide_all_absences(
            guard.current_actor(), **here, remove=everyone == Decision.REMOVE
        )
        return
    known = set(Decision)
    operations.decide_absences(
        guard.current_actor(),
        **here,
        decisions={
            _id(name.removeprefix("home-")): value
            for name, value in request.form.items()
            if name.startswith("home-") and value in known
        },
    )


@bp.route("/c/<code>/desk/roll/owners", methods=["GET", "POST"])
@guard.needs(Permission.OWNER_SET_DECIDE)
def owners(code: str) -> ResponseReturnValue:
    """Show units that may have the same owners; a clerk says whether they have."""
    form = ActForm()
    units = [_id(text) for text in request.form.getlist("unit")]
    confirmed = request.form.get("same") == "yes"

    def act() -> None:
        operations.decide_owner_set(
            guard.current_actor(),
            community_id=g.place.id,
            household_ids=units,
            confirmed=confirmed,
        )

    page = _page()
    if web.carried_out(form, act):
        said = _("记下了：是同一业主。") if confirmed else _("记下了：不是同一业主。")
        web.tell("done", said)
        return redirect(url_for("communities.owners", code=code, page=page), 303)
    status = 422 if request.method == "POST" else 200
    found = roll_queries.owner_page(g.place.id, page)
    pages = max(1, -(-found.number // roll_queries.SETS_PAGE))
    return render_template(
        "communities/owners.html",
        place=g.place,
        form=form,
        found=found,
        area=f"{found.counted.area_c // 100:,}.{found.counted.area_c % 100:02d}",
        earlier=url_for("communities.owners", code=code, page=page - 1) if page > 1 else "",
        later=url_for("communities.owners", code=code, page=page + 1) if page < pages else "",
        page=page,
        pages=pages,
    ), status
