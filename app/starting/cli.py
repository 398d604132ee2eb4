"""A new community from the command line: the same operations as the pages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask import Blueprint, current_app

from app.communities import operations as communities
from app.communities import places
from app.communities.models import Level
from app.communities.queries import area_by_code
from app.communities.rules import community_code
from app.core import clock, web
from app.core.actor import SYSTEM, Role
from app.core.errors import NotFound, RuleBroken
from app.people import accounts
from app.people.slips import Duty, new_slip, private_file
from app.policy.roles import TERM, TERMS
from app.starting import queries, words
from app.starting.adding import ensure_community

if TYPE_CHECKING:
    from datetime import datetime

bp = Blueprint("community_cli", __name__, cli_group="community")


@bp.cli.command("new")
@click.option("--name", required=True, help="The community's full name, such as 槐香里社区.")
@click.option("--code", required=True, help="Its short code for addresses, such as HXL.")
@click.option("--district", required=True, help="The district's name; made when it is missing.")
@click.option("--subdistrict", required=True, help="The subdistrict's name; made when missing.")
@click.option("--phone", required=True, help="The desk's phone.")
@click.option("--office", required=True, help="Where the desk is.")
@click.option("--hours", required=True, help="When somebody is there.")
@click.option("--clerk", nargs=2, required=True, metavar="NAME DISPLAY", help="The clerk.")
@click.option("--member", nargs=2, required=True, metavar="NAME DISPLAY", help="The member.")
@click.option(
    "--slips",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the slips with passwords go; in the data folder unless named.",
)
def new(  # noqa: PLR0913 -- one option for each thing the pages ask
    *,
    name: str,
    code: str,
    district: str,
    subdistrict: str,
    phone: str,
    office: str,
    hours: str,
    clerk: tuple[str, str],
    member: tuple[str, str],
    slips: Path | None,
) -> None:
    """Set up a community with its first two people; called again, it makes what is missing."""
    code = community_code(code) or code
    out = slips or current_app.config["SETTINGS"].data_dir / f"slips-{code}.txt"
    try:
        under = places.ensure_subdistrict(
            SYSTEM, city_id=queries.city_id(), district=district, subdistrict=subdistrict
        )
        community_id = _community(code, name, under, (phone, office, hours))
        wanted = _missing(community_id, ((Role.CLERK, *clerk), (Role.COMMITTEE, *member)))
        made = _accounts(community_id, name, wanted, out)
    except RuleBroken as error:
        raise click.ClickException(f"refused: {web.sentence(error)}") from error
    click.echo(f"community={code} under={under} accounts={made} slips={out if made else '-'}")


def _community(code: str, name: str, under: str, desk: tuple[str, str, str]) -> int:
    new = communities.NewCommunity(
        code=code,
        name=name,
        jurisdiction_id=queries.above(under)[0],
        desk_phone=desk[0],
        office=desk[1],
        hours=desk[2],
        intro="",
        demo=False,
    )
    return ensure_community(SYSTEM, new)


Wanted = tuple[Role, str, str]


def _missing(community_id: int, wanted: tuple[Wanted, ...]) -> list[Wanted]:
    there = {(one.role, one.sign_in_name) for one in queries.staff_of(community_id)}
    return [one for one in wanted if one[:2] not in there]


def _accounts(community_id: int, place: str, wanted: list[Wanted], out: Path) -> int:
    """Make the accounts; each slip is on the disk before the next account is made."""
    if not wanted:
        return 0
    with os.fdopen(private_file(out), "w", encoding="utf-8") as file:
        for role, name, display in wanted:
            title = words.role_name(role)
            ends_at = clock.end_after(TERMS[role].longest)
            duty = Duty(role, place, title, community_id, ends_at=ends_at)
            slip = new_slip(SYSTEM, duty, sign_in_name=name, display=display)
            file.write(f"{place} {title} {display}\n{slip.text}")
            file.flush()
    return len(wanted)


# Whom a place above communities has, by its level.
STAFF_OF = {
    Level.CITY: Role.CITY,
    Level.DISTRICT: Role.DISTRICT,
    Level.SUBDISTRICT: Role.SUBDISTRICT,
}


@bp.cli.command("staff-above")
@click.argument("code")
@click.option("--person", nargs=2, required=True, metavar="NAME DISPLAY", help="Who it is.")
@click.option(
    "--slip",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the slip with the password goes; in the data folder unless named.",
)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The last day of it; five years from now unless named.",
)
def staff_above(
    code: str, person: tuple[str, str], slip: Path | None, until: datetime | None
) -> None:
    """Make an account for somebody of a city, a district or a subdistrict, by its code."""
    last_day = until.date() if until else clock.day_of(clock.now() + TERM)
    ends_at = clock.bounds_of_day(last_day)[1]
    out = slip or current_app.config["SETTINGS"].data_dir / f"slip-{code}-{person[0]}.txt"
    try:
        area = area_by_code(code)
        role = STAFF_OF[area.level]
        duty = Duty(role, area.name, "", jurisdiction_id=area.id, ends_at=ends_at)
        with os.fdopen(private_file(out), "w", encoding="utf-8") as file:
            made = new_slip(SYSTEM, duty, sign_in_name=person[0], display=person[1])
            file.write(f"{area.name} {person[1]}\n{made.text}")
    except NotFound as error:
        raise click.ClickException(f"refused: no place above communities {code}") from error
    except RuleBroken as error:
        if not error.code.startswith("slips."):
            out.unlink(missing_ok=True)
        raise click.ClickException(f"refused: {web.sentence(error)}") from error
    click.echo(f"place={code} role={role.value} until={last_day} slip={out}")


@bp.cli.command("end-above")
@click.argument("code")
@click.argument("name")
def end_above(code: str, name: str) -> None:
    """End what somebody is at a city, district or subdistrict, at once and in every session.

    NAME is what they sign in with. An administrator's is ended by the city's code; the last one
    stays.
    """
    try:
        area = area_by_code(code)
        ended = accounts.end_roles_above(SYSTEM, jurisdiction_id=area.id, sign_in_name=name)
    except NotFound as error:
        raise click.ClickException(f"refused: nobody of that name works for {code}") from error
    except RuleBroken as error:
        raise click.ClickException(f"refused: {web.sentence(error)}") from error
    click.echo(f"place={code} name={name} ended={ended}")
