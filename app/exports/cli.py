"""The record and letters from the command line: the same operations as the pages."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click
from flask import Blueprint, current_app

from app.communities import queries as communities
from app.communities import walks
from app.core.actor import SYSTEM, Role
from app.core.errors import NotFound, RuleBroken
from app.core.out_files import whole_file
from app.core.record import ABOVE_PREFIX
from app.core.times import in_record_language
from app.exports import archive, guides, operations, papers, printing
from app.exports.operations import LettersWanted
from app.exports.rules import HaveLetter
from app.voting import queries as voting

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.communities.queries import CommunityView

bp = Blueprint("record_cli", __name__, cli_group="record")
papers_bp = Blueprint("papers_cli", __name__, cli_group=None)
poll = Blueprint("poll_cli", __name__, cli_group="poll")
FORMS = (".xlsx", ".csv")
OUT = click.Path(dir_okay=False, path_type=Path)
REFUSED = {
    "letters.unsaid": "{living:,} of {homes:,} homes have a letter that still works. A new letter "
    "makes a new code and voids the old one at once. Say --missing to print only for homes without "
    "one, or --reissue to void and replace them; nothing was changed",
    "letters.none": "every home here has a letter that still works; nothing was changed",
    "codes.changed": "somebody else made letters for these homes meanwhile; nothing was changed",
    "part.unknown": "no such building or home on the roll; nothing was changed",
    "part.several": "{places} have such a place: say --estate too; nothing was changed",
}


class _NotChecked(click.ClickException):
    """Nothing was found wrong, because nothing could be looked at."""

    exit_code = 2


@papers_bp.cli.command("guide")
@click.argument("role", type=click.Choice([role.value for role in guides.ROLES]))
@click.option(
    "-o", "out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The PDF."
)
@click.option("--community", default="", help="The code of the community whose desk it names.")
def guide(role: str, out: Path, community: str) -> None:
    """Write a role's guide, one page to print."""
    try:
        desk = guides.desk_of(community)
    except NotFound as error:
        raise click.ClickException(f"refused: no community {community}") from error
    base_url = current_app.config["SETTINGS"].base_url
    with whole_file(out) as file:
        file.write(guides.guide_pdf(Role(role), base_url, desk))
    click.echo(f"role={role} bytes={out.stat().st_size}")


@bp.cli.command("export")
@click.argument("community")
@click.option(
    "-o", "out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The zip."
)
def export(community: str, out: Path) -> None:
    """Sign a log and write its verifiable archive: a community's, or `d-BY` of a place above."""
    try:
        export_log = _log(community)
    except NotFound as error:
        raise click.ClickException(f"refused: no community {community}") from error
    with whole_file(out) as file:
        done = export_log(file)
    click.echo(f"entries={done.size} bytes={out.stat().st_size}")


def _log(name: str) -> Callable[[IO[bytes]], operations.Export]:
    """What exports the log of this name. Raises: NotFound."""
    if name.startswith(ABOVE_PREFIX):
        area = communities.area_by_code(name.removeprefix(ABOVE_PREFIX))
        return lambda file: operations.export_area_record(SYSTEM, area=area, out=file)
    place = communities.community_by_code(name)
    return lambda file: operations.export_record(SYSTEM, community=place, out=file)


def _place(code: str) -> CommunityView:
    try:
        return communities.community_by_code(code)
    except NotFound as error:
        raise click.ClickException(f"refused: no community {code}") from error


@papers_bp.cli.command("letters")
@click.argument("community")
@click.option("-o", "out", type=OUT, required=True, help="The PDF; it holds codes, keep it safe.")
@click.option("--estate", default="", help="One estate, such as 槐香里一区.")
@click.option("--building", default="", help="One building, such as 12甲.")
@click.option("--stairwell", default="", help="One stairwell of that building, such as 2.")
@click.option("--household", default="", help="One home, such as 3-2-501.")
@click.option("--missing", is_flag=True, help="Only homes without a letter that works.")
@click.option(
    "--reissue", is_flag=True, help="Also homes that have one: their old letter is void at once."
)
def letters(  # noqa: PLR0913 -- each is an option
    community: str,
    out: Path,
    estate: str,
    building: str,
    stairwell: str,
    household: str,
    *,
    missing: bool,
    reissue: bool,
) -> None:
    """Print letters with household codes, in the order of the envelopes.

    Each letter printed again carries a new code, and the old letter stops working at once; where
    letters are out this is refused unless --missing or --reissue says what is meant. A demo city
    prints the same codes again.
    """
    place = _place(community)
    have = _have_letter(missing=missing, reissue=reissue, demo=place.demo)
    try:
        part = walks.named(
            walks.homes(place.id),
            estate=estate,
            building=building,
            stairwell=stairwell,
            household=household,
        )
        with whole_file(out) as file:
            done = operations.print_letters(
                SYSTEM, community=place, wanted=LettersWanted(part, have), out=file, told=_progress
            )
    except RuleBroken as error:
        raise click.ClickException("refused: " + _why(error)) from error
    size = out.stat().st_size
    click.echo(f"letters={done.letters} pages={done.pages} bytes={size} voided={done.voided}")


def _have_letter(*, missing: bool, reissue: bool, demo: bool) -> HaveLetter:
    if missing and reissue:
        raise click.UsageError("--missing and --reissue say the opposite of each other")
    if missing:
        return HaveLetter.SKIP
    if reissue:
        return HaveLetter.REISSUE
    return HaveLetter.AGAIN if demo else HaveLetter.UNSAID


def _why(error: RuleBroken) -> str:
    return REFUSED.get(error.code, f"{error.code}; nothing was changed").format(**error.facts)


def _progress(done: int) -> None:
    """How far it has come, for somebody who watches."""
    if sys.stderr.isatty():
        click.echo(f"\r{done:,} letters laid out", nl=False, err=True)


@papers_bp.cli.command("poster")
@click.argument("community")
@click.argument("poll")
@click.option("-o", "out", type=OUT, required=True, help="The PDF.")
@click.option("--size", type=click.Choice(["A4", "A3"]), default="A4", show_default=True)
def poster(community: str, poll: str, out: Path, size: str) -> None:
    """Print a poll's poster; POLL is the last part of the poll's address."""
    place = _place(community)
    with in_record_language():
        try:
            view = voting.poll_view(place.id, poll)
        except NotFound as error:
            raise click.ClickException(f"refused: no open or decided poll {poll}") from error
        data = printing.poster_pdf(papers.sender(place), papers.poster(view, size.lower()))
    with whole_file(out) as file:
        file.write(data)
    click.echo(f"posters=1 pages=1 bytes={len(data)}")


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
    try:
        export_log = _log(what)
    except NotFound as error:
        raise _NotChecked(f"refused: neither a file nor a community: {what}") from error
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "record.zip"
        with path.open("wb") as file:
            export_log(file)
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
    try:
        data = operations.export_poll(
            SYSTEM, community=_place(community), poll_id=poll_id, form=out.suffix
        )
    except NotFound as error:
        raise click.ClickException(f"refused: no opened poll {poll_id}") from error
    with whole_file(out) as file:
        file.write(data)
    click.echo(f"poll={poll_id} bytes={len(data)}")
