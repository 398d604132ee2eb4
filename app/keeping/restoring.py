"""Bringing a backup back: beside the present data for a drill, or in its place on a bad day.

A real restore does the whole drill first and changes nothing unless all of it is good; what is
there now is moved aside, never deleted.
"""

from __future__ import annotations

import base64
import secrets
import shutil
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alembic.script import ScriptDirectory
from flask_migrate import upgrade
from sqlalchemy import select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

from app.attachments.models import Attachment
from app.attachments.steps import SIZES, path_of
from app.config import ROOT
from app.core import clock
from app.core.db import db
from app.core.errors import RuleBroken
from app.core.record import Above, RecordLog, checkpoint, public_key
from app.core.words import listed
from app.exports import archive
from app.keeping import engines, packing, sealing, words
from app.keeping.rules import differences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from app.config import Settings
    from app.keeping.packing import Manifest, Unpacked

MIGRATIONS = str(ROOT / "migrations")
SIDE_FILES = ("", "-wal", "-shm")
LONGEST_NAME = 63


@dataclass(slots=True)
class Checked:
    """What was looked at, in sentences, and what was wrong."""

    said: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing was wrong."""
        return not self.wrong

    def look(self, good: str, problems: Sequence[str]) -> None:
        """Note that something was looked at: `good` when it was as it should be."""
        if problems:
            self.wrong.extend(problems)
        else:
            self.said.append(good)


@dataclass(slots=True)
class _Staged:
    """A backup's database, standing beside the present one."""

    url: URL
    kept: bool = False

    @property
    def address(self) -> str:
        return self.url.render_as_string(hide_password=False)


def drill(settings: Settings, path: Path) -> Checked:
    """Restore a backup beside the present data and look whether it is good; nothing stays of it.

    Raises: RuleBroken keeping.* when it could not be checked.
    """
    started = time.monotonic()
    with packing.workplace(settings) as work:
        unpacked = _opened(settings, path, work)
        with _staged(settings, unpacked) as staged:
            checked = _check(settings, unpacked, staged, work)
    checked.seconds = packing.elapsed(started)
    return checked


def _opened(settings: Settings, path: Path, work: Path) -> Unpacked:
    key = sealing.read_key(settings.backup_key_file)
    unpacked = packing.unpack(path, key, work / "backup")
    unpacked.files.mkdir(exist_ok=True)
    known = {script.revision for script in ScriptDirectory(MIGRATIONS).walk_revisions()}
    found = unpacked.manifest.inventory
    if found.migration not in known:
        raise RuleBroken("keeping.newer_program", version=unpacked.manifest.version)
    if found.engine != engines.engine_of(settings.database_url):
        raise RuleBroken("keeping.other_engine", engine=found.engine)
    return unpacked


@contextmanager
def _staged(settings: Settings, unpacked: Unpacked) -> Iterator[_Staged]:
    if unpacked.manifest.inventory.engine == engines.SQLITE:
        yield _Staged(URL.create("sqlite", database=str(unpacked.database)))
        return
    name = f"linyi_drill_{secrets.token_hex(4)}"
    staged = _Staged(engines.create_database(make_url(settings.database_url), name))
    try:
        engines.pg_restore(settings, staged.url, unpacked.database)
        yield staged
    finally:
        if not staged.kept:
            engines.drop_database(staged.url)


# --- looking -------------------------------------------------------------------------------------


def _check(settings: Settings, unpacked: Unpacked, staged: _Staged, work: Path) -> Checked:
    checked = Checked()
    manifest = unpacked.manifest
    checked.said.append(words.whole_file(manifest))
    if manifest.inventory.engine == engines.SQLITE:
        said = engines.sound_sqlite(unpacked.database)
        checked.look(words.sound(), [] if said == "ok" else [words.unsound(said)])
        if not checked.ok:
            return checked
    wrong = differences(manifest.inventory, engines.inventory_of(staged.address))
    checked.look(words.same(manifest.inventory), [words.difference(one) for one in wrong])
    if checked.ok:
        _check_inside(settings, unpacked, staged, work, checked)
    return checked


def _check_inside(
    settings: Settings, unpacked: Unpacked, staged: _Staged, work: Path, checked: Checked
) -> None:
    with engines.beside(
        settings,
        database_url=staged.address,
        data_dir=unpacked.files,
        record_key_file=work / "drill.key",
    ):
        upgrade(MIGRATIONS)
        missing = _missing_pictures()
        good = words.pictures(unpacked.manifest)
        checked.look(good, [words.missing_pictures(missing)] if missing else [])
        raw = base64.b64decode(unpacked.manifest.public_key)
        verify_logs(work, [raw], checked)


def _missing_pictures() -> int:
    rows = db.session.execute(select(Attachment.community_id, Attachment.public_id)).all()
    return sum(
        not path_of(row.community_id, row.public_id, size).exists()
        for row in rows
        for size in SIZES
    )


def verify_logs(work: Path, keys: Sequence[bytes], checked: Checked) -> None:
    """Export every log of this app's database and run the verifier over it; nothing is written.

    The end of a log is signed by this app's own key, which should be one made for the occasion:
    a drill proves that a backup holds together, not that somebody signs it today.
    """
    logs = db.session.execute(
        select(RecordLog.community_id, RecordLog.jurisdiction_id, RecordLog.code, RecordLog.size)
        .where(RecordLog.size > 0)
        .order_by(RecordLog.code)
    ).all()
    for log in logs:
        path = work / "record.zip"
        above = log.jurisdiction_id
        tenant = Above(above) if above is not None else log.community_id
        checkpoint(db.session(), tenant)
        with path.open("wb") as file:
            archive.write_archive(file, tenant, log.code, log.size, keys)
        db.session.rollback()
        report = archive.verdict(path)
        problem = [] if report.exit_code == 0 else [words.not_verified(log.code, report.lines)]
        checked.look(words.verified(log.code, log.size), problem)


# --- in place of what is there ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Restored:
    """A restore that was done: what was looked at, and what the operator has to know now."""

    manifest: Manifest
    checked: Checked
    size: int
    aside: str
    notes: tuple[str, ...]


def restore(settings: Settings, path: Path, *, replace: bool) -> Restored:
    """Put a backup in the place of what is there, which is moved aside first.

    The caller then erases again what was erased. Raises: RuleBroken keeping.*; then nothing of the
    present data has changed.
    """
    started = time.monotonic()
    if not replace and _holds_data(settings):
        raise RuleBroken("keeping.not_empty")
    db.session.remove()
    db.engine.dispose()
    _refuse_in_use(settings)
    with packing.workplace(settings) as work:
        unpacked = _opened(settings, path, work)
        with _staged(settings, unpacked) as staged:
            checked = _check(settings, unpacked, staged, work)
            if not checked.ok:
                raise RuleBroken("keeping.not_good", wrong=checked.wrong)
            notes = _notes(settings, unpacked)
            aside = _swap(settings, unpacked, staged)
    checked.seconds = packing.elapsed(started)
    return Restored(unpacked.manifest, checked, path.stat().st_size, aside, notes)


def _refuse_in_use(settings: Settings) -> None:
    """Nobody's database is pulled from under them. Raises: RuleBroken keeping.in_use."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == engines.SQLITE:
        path = engines.sqlite_path(settings.database_url)
        if path.exists():
            with engines.alone_with(path):
                # And what lay in its log is now in the file itself.
                return
        return
    with engines.maintenance(url) as connection:
        if engines.others_in(connection, url.database or ""):
            raise RuleBroken("keeping.in_use")


def _holds_data(settings: Settings) -> bool:
    """Whether there is anything that somebody could miss."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == engines.SQLITE:
        if not engines.sqlite_path(settings.database_url).exists():
            return False
    else:
        with engines.maintenance(url) as connection:
            if not engines.database_exists(connection, url.database or ""):
                return False
    return engines.rows_in(engines.inventory_of(settings.database_url)) > 0


def _notes(settings: Settings, unpacked: Unpacked) -> tuple[str, ...]:
    """What the operator has to put right by hand, since no backup can hold it."""
    notes = []
    stored = settings.data_dir / packing.SECRET
    from_file = stored.exists() and stored.read_text(encoding="utf-8") == settings.secret_key
    if not from_file and settings.secret_key != unpacked.secret:
        notes.append(words.other_secret())
    expected = unpacked.manifest.public_key
    path = settings.record_key_path
    if not path.exists() or base64.b64encode(public_key()).decode() != expected:
        notes.append(words.other_signing_key(str(path)))
    return tuple(notes)


class _Steps:
    """Steps that can be taken back, so that a restore that breaks off has changed nothing."""

    def __init__(self) -> None:
        self.backwards: list[Callable[[], object]] = []

    def move(self, source: Path, target: Path) -> None:
        """Move a file or folder to where nothing is yet."""
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            raise FileExistsError(str(target))
        shutil.move(source, target)
        self.backwards += [target.parent.rmdir, lambda: shutil.move(target, source)]

    def rename(self, url: URL, old: str, new: str) -> None:
        """Give a database of the server another name."""
        _rename(url, old, new)
        self.backwards.append(lambda: _rename(url, new, old))

    def take_back(self) -> None:
        """Put everything where it was, last first; folders made for it go when they are empty."""
        for step in reversed(self.backwards):
            with suppress(OSError, DBAPIError):
                step()


def _rename(url: URL, old: str, new: str) -> None:
    with engines.maintenance(url) as connection:
        connection.execute(text(f'ALTER DATABASE "{old}" RENAME TO "{new}"'))


def _swap(settings: Settings, unpacked: Unpacked, staged: _Staged) -> str:
    """Move what is there aside and the backup into its place; gives where the old data is.

    The database goes first and comes last: in between nothing can start, so nothing half-done is
    ever served, and after a kill the same command begins anew.
    """
    stamp = clock.local(clock.now()).strftime("%Y%m%d_%H%M%S")
    aside = _new_folder(settings.data_dir / f"{packing.ASIDE}{stamp}")
    steps = _Steps()
    _refuse_in_use(settings)
    try:
        old = _put_aside(settings, aside, steps)
        _swap_files(settings, unpacked, aside, steps)
        _put_in_place(settings, unpacked, staged, steps)
    except (OSError, DBAPIError) as error:
        steps.take_back()
        raise RuleBroken("keeping.not_swapped", why=str(error)[:200]) from error
    staged.kept = True
    return listed(part for part in (str(aside) if aside.exists() else "", old) if part)


def _new_folder(wanted: Path) -> Path:
    """The name, or the next one free: a killed restore may begin anew within the same second."""
    names = (wanted, *(wanted.with_name(f"{wanted.name}-{n}") for n in range(2, 1000)))
    return next(name for name in names if not name.exists())


def _put_aside(settings: Settings, aside: Path, steps: _Steps) -> str:
    """Move the present database aside; gives its new name on a server."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == engines.SQLITE:
        target = engines.sqlite_path(settings.database_url)
        for ending in SIDE_FILES:
            part = target.with_name(target.name + ending)
            if part.exists():
                steps.move(part, aside / part.name)
        return ""
    name, suffix = url.database or "", aside.name.replace("-", "_")
    with engines.maintenance(url) as connection:
        if not engines.database_exists(connection, name):
            return ""
    new = f"{name[: LONGEST_NAME - len(suffix) - 1]}_{suffix}"
    steps.rename(url, name, new)
    return new


def _swap_files(settings: Settings, unpacked: Unpacked, aside: Path, steps: _Steps) -> None:
    for folder in packing.folders(settings):
        steps.move(folder, aside / folder.name)
    for folder in sorted(unpacked.files.iterdir()):
        steps.move(folder, settings.data_dir / folder.name)
    stored = settings.data_dir / packing.SECRET
    if stored.exists():
        steps.move(stored, aside / packing.SECRET)
    steps.move(unpacked.folder / packing.SECRET, stored)
    stored.chmod(0o600)


def _put_in_place(settings: Settings, unpacked: Unpacked, staged: _Staged, steps: _Steps) -> None:
    if staged.url.get_backend_name() == engines.SQLITE:
        target = engines.sqlite_path(settings.database_url)
        steps.move(unpacked.database, target)
        target.chmod(0o600)
        return
    name = make_url(settings.database_url).database or ""
    steps.rename(staged.url, staged.url.database or "", name)


def summary(checked: Checked) -> str:
    """The one line that the command line ends with."""
    return f"ok={'yes' if checked.ok else 'no'} seconds={checked.seconds}"
