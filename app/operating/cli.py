"""`flask --app wsgi doctor`: what is wrong with this installation, in plain words."""

from __future__ import annotations

import json
import logging

import click
from flask import Blueprint

from app.core.status import State
from app.operating import checks, rules, words

log = logging.getLogger("linyi.doctor")
bp = Blueprint("doctor_cli", __name__, cli_group=None)

COULD_NOT_LOOK = 2


@bp.cli.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@click.pass_context
def doctor(context: click.Context, *, as_json: bool) -> None:
    """Say what is wrong with this installation and what to do; changes nothing.

    Exits with 0 when nothing is bad, 1 when something is, 2 when it could not look.
    """
    try:
        findings = checks.examine()
    except Exception as error:
        # Whatever stands in the way of looking is itself what the operator has to hear.
        log.exception("the doctor could not look")
        click.echo(f"doctor: {type(error).__name__}: {error}", err=True)
        context.exit(COULD_NOT_LOOK)
    if as_json:
        click.echo(_as_json(findings))
    else:
        for finding in findings:
            click.echo(f"[{words.state(finding)}] {words.name(finding)}：{words.sentence(finding)}")
        click.echo(words.summary(findings))
    context.exit(int(rules.worst(findings) is State.BAD))


def _as_json(findings: list[rules.Finding]) -> str:
    lines = [
        {
            "check": f.check.value,
            "state": f.state.value,
            "code": f.code,
            "name": words.name(f),
            "text": words.sentence(f),
        }
        for f in findings
    ]
    return json.dumps(
        {"state": rules.worst(findings).value, "checks": lines}, ensure_ascii=False, indent=1
    )
