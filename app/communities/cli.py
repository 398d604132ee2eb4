"""The roll from the command line: the same operation as the page."""

from __future__ import annotations

from pathlib import Path

import click
from flask import Blueprint

from app.communities import operations, queries
from app.core.actor import SYSTEM
from app.core.errors import NotFound, RuleBroken

bp = Blueprint("roll_cli", __name__, cli_group="roll")


@bp.cli.command("import")
@click.argument("community")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_roll(community: str, file: Path) -> None:
    """Bring a workbook into a community's roll; prints one summary line."""
    try:
        place = queries.community_by_code(community)
        done = operations.import_roll(
            SYSTEM, community_id=place.id, data=file.read_bytes(), file_name=file.name
        )
    except NotFound as error:
        raise click.ClickException(f"refused: no community {community}") from error
    except RuleBroken as error:
        raise click.ClickException(f"refused: {error.code}; nothing was saved") from error
    click.echo(
        f"new={done.new} changed={done.changed} unchanged={done.unchanged} "
        f"refused={done.refused} dropped_columns={','.join(done.dropped_columns)}"
    )
