"""Household codes from the command line: the same operation as the page."""

from __future__ import annotations

import click
from flask import Blueprint

from app.communities import queries as communities
from app.communities import walks
from app.core import web
from app.core.actor import SYSTEM
from app.core.errors import NotFound, RuleBroken
from app.people import operations, queries

bp = Blueprint("codes_cli", __name__, cli_group="codes")


@bp.cli.command("revoke")
@click.argument("community")
@click.option("--estate", default="", help="One estate, such as 槐香里一区.")
@click.option("--building", default="", help="One building, such as 12甲.")
@click.option("--stairwell", default="", help="One stairwell of that building, such as 2.")
@click.option("--household", default="", help="One home, such as 3-2-501.")
@click.option("--all", "everybody", is_flag=True, help="Every home of the community.")
@click.option("--dry-run", is_flag=True, help="Say how many would go; change nothing.")
def revoke(  # noqa: PLR0913 -- each is an option
    community: str,
    estate: str,
    building: str,
    stairwell: str,
    household: str,
    *,
    everybody: bool,
    dry_run: bool,
) -> None:
    """Make codes worth nothing, such as those of letters that were lost; whoever is in stays in.

    Each household is told. New letters come from `letters --missing`.
    """
    if everybody == bool(estate or building or stairwell or household):
        raise click.UsageError("say which homes, or --all, and not both; nothing was changed")
    try:
        place = communities.community_by_code(community)
        walk = walks.homes(place.id)
        part = walks.named(
            walk, estate=estate, building=building, stairwell=stairwell, household=household
        )
        homes = [home.household_id for home in walks.chosen(walk, part)]
        number = queries.living_codes(place.id, homes)
        if not dry_run:
            number = operations.revoke_codes(
                SYSTEM, community_id=place.id, household_ids=homes, expected=number, part=part
            )
    except NotFound as error:
        raise click.ClickException(f"refused: no community {community}") from error
    except RuleBroken as error:
        raise click.ClickException(f"refused: {error.code}; {web.sentence(error)}") from error
    click.echo(f"homes={len(homes)} revoked={number}")
