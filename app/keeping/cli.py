"""Backups, restores, moving and retention from the command line: one summary line each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
from flask import Blueprint
from flask_babel import gettext as _
from sqlalchemy.exc import DBAPIError

from app.core import clock, erasures, web
from app.core.actor import SYSTEM
from app.core.db import compact, db
from app.core.errors import Refusal, RuleBroken, SaveUnknown
from app.core.times import time_text
from app.keeping import backup as backups
from app.keeping import engines, moving, operations, restoring, retention, sealing, words
from app.keeping.operations import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.keeping.restoring import Restored
    from app.keeping.retention import Erased

bp = Blueprint("keeping_cli", __name__, cli_group=None)
retention_cli = Blueprint("retention_cli", __name__, cli_group="retention")

NOT_GOOD, NOT_CHECKED = 1, 2
A_FILE = click.Path(dir_okay=False, path_type=Path)
A_FOLDER = click.Path(file_okay=False, path_type=Path)


class _NotChecked(click.ClickException):
    """Neither good nor bad: it could not be looked at."""

    exit_code = NOT_CHECKED


def _refused(
    error: RuleBroken, kind: type[click.ClickException] = click.ClickException
) -> NoReturn:
    raise kind(f"refused: {web.sentence(error)}") from error


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


@bp.cli.command("backup")
@click.option("-o", "folder", type=A_FOLDER, help="The folder it goes to, if not the usual one.")
@click.option("--new-key", is_flag=True, help="Make the key file, once, and stop.")
def backup(folder: Path | None, *, new_key: bool) -> None:
    """Write one encrypted backup of database, pictures and secret."""
    settings = backups.settings_now()
    try:
        if new_key:
            _new_key()
            return
        packed = backups.take(SYSTEM, folder=backups.folder_of(settings, folder))
    except RuleBroken as error:
        _refused(error)
    click.echo(packed.path)
    click.echo(packed.summary())


def _new_key() -> None:
    path = backups.settings_now().backup_key_file
    if path is None:
        raise RuleBroken("keeping.no_key_setting")
    sealing.make_key(path)
    click.echo(_("密钥做好了。请抄在纸上另外保管：丢了它，所有备份都打不开。"))
    click.echo(f"key={path}")


@bp.cli.command("restore")
@click.argument("file", type=A_FILE)
@click.option("--drill", is_flag=True, help="Only beside the present data, which stays as it is.")
@click.option("--replace", is_flag=True, help="Move the present data aside first.")
def restore(file: Path, *, drill: bool, replace: bool) -> None:
    """Look whether a backup is good (--drill), or put it in place."""
    if drill:
        _drill(file)
        return
    try:
        done = restoring.restore(backups.settings_now(), file, replace=replace)
        replayed = _erase_again(done, file.parent)
    except RuleBroken as error:
        _refused(error)
    _say(done.checked.said)
    _say(_afterwards(done, replayed))
    click.echo(restoring.summary(done.checked))


def _drill(file: Path) -> None:
    try:
        checked = backups.drill(SYSTEM, path=file)
    except RuleBroken as error:
        _refused(error, _NotChecked)
    _say([*checked.said, *checked.wrong])
    click.echo(restoring.summary(checked))
    if not checked.ok:
        click.get_current_context().exit(NOT_GOOD)


def _afterwards(done: Restored, replayed: int) -> list[str]:
    at = time_text(clock.from_record(done.manifest.created_at))
    said = [_("已经恢复到%(at)s。那以后的选票、意见和改动不在里面，请公开说明。", at=at)]
    if done.aside:
        said.append(_("原来的数据没有删，在这里：%(aside)s", aside=done.aside))
    if replayed:
        said.append(_("备份以后删除过的 %(number)s 项，又删了一遍。", number=replayed))
    return [*said, _("工作人员都要重新登录。"), *done.notes]


def _erase_again(done: Restored, beside: Path) -> int:
    """A restored database must forget again what was erased since. Raises: RuleBroken."""
    try:
        erasures.take_over(beside)
        replayed = erasures.replay()
        erased = retention.run(SYSTEM)
        if replayed:
            compact()
        backup = Outcome("backup", ok=True, seconds=done.checked.seconds, size=done.size)
        operations.note_restored(
            SYSTEM, backup=backup, created_at=done.manifest.created_at, replayed=replayed
        )
    except (Refusal, SaveUnknown, DBAPIError, OSError, KeyError) as error:
        raise RuleBroken("keeping.replay_failed", why=repr(error)[:200]) from error
    return replayed + sum(one.number for one in erased if one.field != "openings")


@bp.cli.command("accept-secret")
def accept_secret() -> None:
    """Go on with a new secret because the old one is lost; `doctor` says when that is needed."""
    operations.accept_secret(SYSTEM)
    click.echo(_("以后用现在的密钥。请重开工作人员的账号，重印所有的信。"))
    click.echo("secret=accepted")


@bp.cli.command("move")
@click.option("--to", required=True, help="An empty database: postgresql://user:password@host/name")
def move(to: str) -> None:
    """Move a SQLite installation to PostgreSQL; nothing changes here."""
    settings = backups.settings_now()
    try:
        moved = moving.move(settings, to)
        with engines.beside(settings, database_url=to):
            operations.note_moved(SYSTEM, rows=moved.rows)
    except RuleBroken as error:
        _refused(error)
    finally:
        db.session.remove()
    _say([*moved.checked.said, *moved.checked.wrong])
    click.echo(
        _("请把设置改成 LINYI_DATABASE_URL=%(address)s，再启动门户。", address=moved.address)
    )
    click.echo(_("数据目录照旧；旧的 SQLite 文件没有动，确认无误以前请留着。"))
    click.echo(moved.summary())
    if not moved.checked.ok:
        click.get_current_context().exit(NOT_GOOD)


@retention_cli.cli.command("run")
@click.option("--dry-run", is_flag=True, help="Only say what would be erased.")
@click.option("--replay", is_flag=True, help="Erase again whatever was ever erased, too.")
def run(*, dry_run: bool, replay: bool) -> None:
    """Erase what has been kept long enough."""
    try:
        if replay:
            erasures.replay()
        erased = retention.look() if dry_run else retention.run(SYSTEM)
    except RuleBroken as error:
        _refused(error)
    _say(_erased_line(one, dry_run=dry_run) for one in erased)
    click.echo(retention.summary(erased))


def _erased_line(one: Erased, *, dry_run: bool) -> str:
    name, before = words.field_name(one.field), time_text(one.before)
    if dry_run:
        return _(
            "%(name)s：%(before)s以前到期，将删除 %(number)s 项",
            name=name,
            before=before,
            number=one.number,
        )
    return _(
        "%(name)s：%(before)s以前到期，删除了 %(number)s 项",
        name=name,
        before=before,
        number=one.number,
    )


@bp.record_once
def _refuse_bad_settings(state: object) -> None:
    """A period below what the law allows stops the start."""
    settings = state.app.config["SETTINGS"]  # type: ignore[attr-defined]
    backups.check_settings(settings)
