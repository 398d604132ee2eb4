"""The record and letters from the command line: the same operations as the pages."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask import Blueprint

from app.communities import queries as communities
from app.core.actor import SYSTEM
from app.core.errors import NotFound
from app.exports import archive, operations

if TYPE_CHECKING:
    from app.communities.queries import CommunityView

bp = Blueprint("record_cli", __name__, cli_group="record")
poll = Blueprint("poll_cli", __name__, cli_group="poll")
FORMS = (".xlsx", ".csv")


@bp.cli.command("export")
@click.argument("community")
@click.option(
    "-o", "out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The zip."
)
def export(community: str, out: Path) -> None:
    """Sign a community's log and write its verifiable archive."""
    place = _place(community)
    if not out.parent.is_dir():
        raise click.ClickException(f"refused: there is no folder {out.parent}; nothing was written")
    part = out.with_name(out.name + ".part")
    with part.open("wb") as file:
        done = operations.export_record(SYSTEM, community=place, out=file)
    # A half-written archive never stands under the name that was asked for.
    part.replace(out)
    click.echo(f"entries={done.size} bytes={out.stat().st_size}")


def _place(community: str) -> CommunityView:
    try:
        return communities.community_by_code(community)
    except NotFound as error:
        raise click.ClickException(f"refused: no community {community}") from error


@bp.cli.command("verify")
@click.argument("what", metavar="COMMUNITY|ZIP")
@click.option("--keys", type=click.Path(dir_okay=False), help="Public keys from elsewhere.")
@click.option("--checkpoint", type=click.Path(dir_okay=False), help="A checkpoint you hold.")
def verify(what: str, keys: str | None, checkpoint: str | None) -> None:
    """Run the verifier over a community's fresh export, or over an archive that lies here.

    Ends with 0 when it is good, 1 when something is wrong, 2 when it could not be checked.
    """
    if Path(what).is_file():
        _say_report(Path(what), keys, checkpoint)
        return
    place = _place(what)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "record.zip"
        with path.open("wb") as file:
            operations.export_record(SYSTEM, community=place, out=file)
        _say_report(path, keys, checkpoint)


def _say_report(path: Path, keys: str | None, checkpoint: str | None) -> None:
    report = archive.verdict(path, keys, checkpoint)
    for line in report.lines:
        click.echo(line)
    word = ("good", "wrong", "not_checked")[report.exit_code]
    click.echo(f"verified={word}")
    if report.exit_code:
        click.get_current_context().exit(report.exit_code)


@poll.cli.command("export")
@click.argument("community")
@click.argument("poll_id", metavar="POLL")
@click.option(
    "-o", "out", type=click.Path(dir_okay=False, path_type=Path), required=True, help=".xlsx, .csv"
)
def export_poll(community: str, poll_id: str, out: Path) -> None:
    """Write one poll's record as a workbook or as CSV, the same file as the page hands out."""
    if out.suffix not in FORMS:
        raise click.ClickException(f"refused: {out.name} ends neither in .xlsx nor in .csv")
    if not out.parent.is_dir():
        raise click.ClickException(f"refused: there is no folder {out.parent}; nothing was written")
    try:
        data = operations.export_poll(
            SYSTEM, community=_place(community), poll_id=poll_id, form=out.suffix
        )
    except NotFound as error:
        raise click.ClickException(f"refused: no opened poll {poll_id}") from error
    part = out.with_name(out.name + ".part")
    part.write_bytes(data)
    part.replace(out)
    click.echo(f"poll={poll_id} bytes={len(data)}")
