"""An empty installation, the demo city, and the worker, from the command line."""

from __future__ import annotations

import csv
import signal
import threading
from pathlib import Path

import click
from flask import Blueprint, current_app

from app.core import jobs, space, web
from app.core.errors import NotFound, RuleBroken
from app.portal import demo, demo_scale, demo_sign_in, founding

bp = Blueprint("demo_cli", __name__, cli_group="demo")
worker = Blueprint("worker_cli", __name__, cli_group=None)
founding_cli = Blueprint("founding_cli", __name__, cli_group=None)


@founding_cli.cli.command("init")
@click.option("--city", required=True, help="The city's name, such as 清河市.")
@click.option("--city-code", required=True, help="A short code for addresses, such as QH.")
@click.option("--first", required=True, help="Sign-in name of the first administrator.")
@click.option("--second", required=True, help="Sign-in name of the second; never the same person.")
@click.option(
    "--slips",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the two slips with passwords go; in the data folder unless named.",
)
def found(city: str, city_code: str, first: str, second: str, slips: Path | None) -> None:
    """Bring up an empty installation and its first two administrators."""
    out = slips or current_app.config["SETTINGS"].data_dir / "administrators.txt"
    try:
        made = founding.found(city, city_code, (first, second), out)
    except RuleBroken as error:
        raise click.ClickException(f"refused: {web.sentence(error)}") from error
    click.echo(f"tables=ready administrators={made} slips={out}")


@bp.cli.command("init")
def init() -> None:
    """Make the demo city in an empty installation; does nothing when there is one."""
    if demo_sign_in.exists():
        click.echo("demo city: already there")
        return
    try:
        demo.build()
    except RuleBroken as error:
        raise click.ClickException(f"refused: {error.code}") from error
    click.echo("demo city: made")


@bp.cli.command("signin")
def signin() -> None:
    """Print the demo's sign-ins with the present six digits."""
    address = demo_sign_in.address(current_app.config["SETTINGS"].base_url)
    for line in demo_sign_in.lines(address):
        click.echo(line)


@bp.cli.command("staff")
@click.argument("name")
def staff(name: str) -> None:
    """Print password and second factor's secret of a demo account, for programs that sign in."""
    try:
        click.echo(" ".join(demo_sign_in.staff_secret(name)))
    except NotFound as error:
        raise click.ClickException(f"refused: no demo account {name}") from error


@bp.cli.command("codes")
@click.argument("community")
@click.option("-n", "number", type=click.IntRange(1, 100_000), required=True)
@click.option("-o", "out", type=click.Path(dir_okay=False, path_type=Path), required=True)
def codes(community: str, number: int, out: Path) -> None:
    """Write household codes with their second fact, for load tests of a demo city alone."""
    try:
        rows = demo_sign_in.codes(community, number)
    except NotFound as error:
        raise click.ClickException(f"refused: no community {community}") from error
    except RuleBroken as error:
        raise click.ClickException(f"refused: {error.code}") from error
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["code", "second_fact", "household"])
        writer.writerows(rows)
    click.echo(f"codes={len(rows)}")


@bp.cli.command("scale")
@click.option("--communities", type=click.IntRange(1, 999), default=200, show_default=True)
@click.option("--households", type=click.IntRange(1), default=300_000, show_default=True)
@click.option("--ballots", type=click.IntRange(0), default=150, show_default=True)
def scale(communities: int, households: int, ballots: int) -> None:
    """Make a city to measure by: so many communities and households, ballots in each."""
    size = demo_scale.Size(communities, households, ballots)
    try:
        demo_scale.build(size, lambda line: click.echo(line, err=True))
    except RuleBroken as error:
        raise click.ClickException(f"refused: {error.code}") from error
    click.echo(f"communities={communities} households={households}")


@worker.cli.command("worker")
@click.option("--once", is_flag=True, help="Do what is due and stop.")
def run_worker(*, once: bool) -> None:
    """Do due jobs until told to stop; run it beside several web processes."""
    if once:
        if not space.watch().full():
            jobs.beat()
        jobs.plan_recurring()
        click.echo(f"jobs={jobs.run_due()}")
        return
    stop = threading.Event()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        # The job in hand is finished first: a restart leaves nothing half done.
        signal.signal(wanted, lambda *_: stop.set())
    jobs.work(current_app._get_current_object(), stop)  # type: ignore[attr-defined]  # noqa: SLF001
