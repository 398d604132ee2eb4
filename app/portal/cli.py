"""The demo city from the command line, and the worker."""

from __future__ import annotations

import csv
import signal
import threading
from pathlib import Path

import click
from flask import Blueprint, current_app

from app.core import jobs, space
from app.core.errors import RuleBroken
from app.portal import demo, demo_sign_in

bp = Blueprint("demo_cli", __name__, cli_group="demo")
worker = Blueprint("worker_cli", __name__, cli_group=None)


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
    for line in demo_sign_in.lines(current_app.config["SETTINGS"].base_url):
        click.echo(line)


@bp.cli.command("codes")
@click.argument("community")
@click.option("-n", "number", type=click.IntRange(1, 100_000), required=True)
@click.option("-o", "out", type=click.Path(dir_okay=False, path_type=Path), required=True)
def codes(community: str, number: int, out: Path) -> None:
    """Write household codes with their second fact, for load tests of a demo city alone."""
    try:
        rows = demo_sign_in.codes(community, number)
    except RuleBroken as error:
        raise click.ClickException(f"refused: {error.code}") from error
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["code", "second_fact", "household"])
        writer.writerows(rows)
    click.echo(f"codes={len(rows)}")


@worker.cli.command("worker")
@click.option("--once", is_flag=True, help="Do what is due and stop.")
def run_worker(*, once: bool) -> None:
    """Do due jobs until told to stop; run it beside several web processes."""
    if once:
        if not space.watch().full():
            jobs.beat()
        click.echo(f"jobs={jobs.run_due()}")
        return
    stop = threading.Event()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        # The job in hand is finished first: a restart leaves nothing half done.
        signal.signal(wanted, lambda *_: stop.set())
    jobs.work(current_app._get_current_object(), stop)  # type: ignore[attr-defined]  # noqa: SLF001
