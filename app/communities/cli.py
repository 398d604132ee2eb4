"""The roll from the command line: the same operations as the pages."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask import Blueprint

from app.communities import operations, queries, refused_book, roll_queries, words
from app.communities.models import UploadState
from app.core import web
from app.core.actor import SYSTEM
from app.core.errors import NotFound, RuleBroken
from app.core.out_files import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.communities.roll_queries import UploadView

bp = Blueprint("roll_cli", __name__, cli_group="roll")

TOLD_EVERY = 10_000


@bp.cli.command("import")
@click.argument("community")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would change; change nothing.")
@click.option(
    "--refused",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the refused rows with their reasons to this .xlsx.",
)
@click.option("--sheet", default="", help="The sheet to read, when there are several.")
@click.option("--estate", default="", help="The estate of every row, when no column says it.")
def import_roll(
    *, community: str, file: Path, dry_run: bool, refused: Path | None, sheet: str, estate: str
) -> None:
    """Bring a workbook into a community's roll; prints one summary line.

    Progress and warnings go to stderr. Households that the file leaves out stay.
    """
    try:
        place = queries.community_by_code(community)
        with _uploaded(place.id, file, sheet) as here:
            view = _judged(here, estate)
            if refused is not None:
                with whole_file(refused) as book:
                    book.write(refused_book.workbook(view, place.id))
            if not dry_run:
                operations.apply_roll(SYSTEM, **here)
                view = roll_queries.upload_view(**here)
    except NotFound as error:
        raise click.ClickException(f"refused: no community {community}") from error
    except RuleBroken as error:
        raise click.ClickException(_refusal(error)) from error
    counts = view.counts
    click.echo(
        f"new={counts['new']} changed={counts['changed']} unchanged={counts['same']} "
        f"refused={view.held_back} dropped_columns={','.join(view.dropped)}"
    )


@contextlib.contextmanager
def _uploaded(community_id: int, file: Path, sheet: str) -> Iterator[dict[str, Any]]:
    """The file as an upload, which is forgotten at the end, whatever came of it."""
    public_id = operations.upload_roll(
        SYSTEM,
        community_id=community_id,
        data=file.read_bytes(),
        file_name=file.name,
        sheet=sheet,
    )
    here: dict[str, Any] = {"community_id": community_id, "public_id": public_id}
    try:
        yield here
    finally:
        operations.forget_upload(SYSTEM, **here)


def _judged(here: dict[str, Any], estate: str) -> UploadView:
    """The upload once every row is judged, with its progress and warnings on stderr."""
    told = 0
    view = roll_queries.upload_view(**here)
    if view.state is UploadState.ASKING_SHEET:
        names = [sheet.name for sheet in view.sheets if sheet.readable]
        raise RuleBroken("roll.which_sheet", sheets="、".join(names))
    if view.state is UploadState.ASKING_COLUMNS:
        # Refused with the same words as on the page when more than the estate is lacking.
        operations.map_columns(SYSTEM, **here, fields={}, estate=estate)
    while operations.read_on(SYSTEM, **here):
        view = roll_queries.upload_view(**here)
        if view.done >= told + TOLD_EVERY:
            told = view.done
            click.echo(f"read {view.done:,} of {view.total:,} rows", err=True)
    view = roll_queries.upload_view(**here)
    _tell(view)
    return view


def _tell(view: UploadView) -> None:
    for code, number in view.warnings.items():
        click.echo(words.warning(code, number, view.uses), err=True)
    unread = [sheet.name for sheet in view.sheets if sheet != view.sheet]
    for words_of, names in (
        ("sheets not read", unread),
        ("columns not known, not read", [c.text for c in view.columns if c.origin == "unknown"]),
        ("columns with what looks like ID numbers, which were left out", view.id_numbers),
    ):
        if names:
            click.echo(f"{words_of}: {', '.join(names)}", err=True)
    if view.absent:
        click.echo(f"households not in the file, kept: {view.absent}", err=True)
    if view.taken:
        click.echo(f"homes that are something else in the file, kept: {view.taken}", err=True)


def _refusal(error: RuleBroken) -> str:
    choices = error.facts.get("sheets")
    if choices:
        return f"refused: {error.code}; nothing was saved; say --sheet, one of: {choices}"
    if error.facts.get("missing") == "estate":
        return f"refused: {error.code}; nothing was saved; say --estate, such as 槐香里一区"
    return f"refused: {error.code}; nothing was saved; {web.sentence(error)}"
