"""Taking a backup and noting how it went, for the worker and for the command line alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app

from app.config import UnsafeSettings
from app.core import web
from app.core.errors import RuleBroken
from app.keeping import operations, packing, restoring
from app.keeping.operations import Outcome
from app.keeping.rules import keep_from, periods, time_from

if TYPE_CHECKING:
    from pathlib import Path

    from app.config import Settings
    from app.core.actor import Actor
    from app.keeping.packing import Packed
    from app.keeping.restoring import Checked


LONGEST_WHY = 500


def settings_now() -> Settings:
    """The settings of this app."""
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def check_settings(settings: Settings) -> None:
    """Stop a start with values that make no sense. Raises: UnsafeSettings."""
    try:
        keep_from(settings.backup_keep)
        time_from(settings.backup_at)
        periods(dict(settings.retention))
    except RuleBroken as error:
        facts = " ".join(str(value) for value in error.facts.values())
        raise UnsafeSettings(f"{error.code}: {facts}") from error


def folder_of(settings: Settings, chosen: Path | None = None) -> Path:
    """Where backups go. Raises: RuleBroken keeping.no_folder."""
    folder = chosen or settings.backup_dir
    if folder is None:
        raise RuleBroken("keeping.no_folder")
    return folder


def take(actor: Actor, *, folder: Path) -> Packed:
    """Take a backup into a folder; a failure is noted before it is told. Raises: RuleBroken."""
    try:
        packed = packing.pack(settings_now(), folder)
    except RuleBroken as error:
        _note_failure(actor, "backup", error)
        raise
    done = Outcome("backup", ok=True, seconds=packed.seconds, size=packed.size)
    operations.note_outcome(actor, outcome=done)
    return packed


def take_scheduled(actor: Actor) -> Packed:
    """Take the day's backup where backups go, then let go of those that nobody keeps."""
    settings = settings_now()
    folder = folder_of(settings)
    packed = take(actor, folder=folder)
    packing.forget_old(folder, keep_from(settings.backup_keep))
    return packed


def drill(actor: Actor, *, path: Path) -> Checked:
    """Restore a backup beside the present data, look at it, and note what was found.

    Raises: RuleBroken when it could not be checked at all; that is noted too, unless there is no
    such file: a name mistyped says nothing of the backups there are.
    """
    try:
        checked = restoring.drill(settings_now(), path)
    except RuleBroken as error:
        if path.is_file():
            _note_failure(actor, "drill", error)
        raise
    code = "" if checked.ok else "keeping.drill_wrong"
    why = "\n".join(checked.wrong)[:LONGEST_WHY]
    outcome = Outcome("drill", ok=checked.ok, seconds=checked.seconds, code=code, why=why)
    operations.note_outcome(actor, outcome=outcome)
    return checked


def _note_failure(actor: Actor, name: str, error: RuleBroken) -> None:
    why = web.sentence(error)[:LONGEST_WHY]
    operations.note_outcome(actor, outcome=Outcome(name, ok=False, code=error.code, why=why))
