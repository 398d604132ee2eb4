"""The record and letters from the command line: the same operations as the pages."""

from __future__ import annotations

from pathlib import Path

import click
from flask import Blueprint, current_app

from app.communities import queries as communities
from app.core.actor import SYSTEM, Role
from app.core.errors import NotFound
from app.exports import guides, operations

bp = Blueprint("record_cli", __name__, cli_group="record")
papers = Blueprint("papers_cli", __name__, cli_group=None)


@papers.cli.command("guide")
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
    out.write_bytes(guides.guide_pdf(Role(role), base_url, desk))
    click.echo(f"role={role} bytes={out.stat().st_size}")


@bp.cli.command("export")
@click.argument("community")
@click.option(
    "-o", "out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The zip."
)
def export(community: str, out: Path) -> None:
    """Sign a community's log and write its verifiable archive."""
    try:
        place = communities.community_by_code(community)
    except NotFound as error:
        raise click.ClickException(f"refused: no community {community}") from error
    if not out.parent.is_dir():
        raise click.ClickException(f"refused: there is no folder {out.parent}; nothing was written")
    part = out.with_name(out.name + ".part")
    with part.open("wb") as file:
        done = operations.export_record(SYSTEM, community=place, out=file)
    # A half-written archive never stands under the name that was asked for.
    part.replace(out)
    click.echo(f"entries={done.size} bytes={out.stat().st_size}")
