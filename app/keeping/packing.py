"""One backup file: a tar of database, folders and secret, compressed, and sealed as a whole.

Written as it is read, so memory stays flat; written under another name and renamed at the end, so
that there is never half a backup under a good name. The manifest comes last, when every hash is
known. The key that signs the record never goes in: who finds a backup must not be able to sign.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import secrets
import shutil
import tarfile
import tempfile
import time
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, cast

from app.core import clock, erasures
from app.core.errors import RuleBroken
from app.core.record import public_key
from app.keeping import engines, sealing
from app.keeping.rules import Inventory, Keep, to_delete

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.config import Settings

MANIFEST, DATABASE, SECRET, FOLDERS = "manifest.json", "database", "secret.key", "files"
NAME = "linyi-%Y%m%d-%H%M%S.backup"
PART = ".part"
WORK = "work-"
ASIDE = "aside-"
# What is never carried away: keys, what this room itself puts into the data folder.
NEVER = frozenset({"keys"})
TOO_LARGE_FOR_A_KEY = 4096


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself; `files` are hashes by path, `public_key` is no secret."""

    version: str
    created_at: str
    public_key: str
    inventory: Inventory
    files: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """As it lies in the file."""
        found = self.inventory
        return {
            "version": self.version,
            "created_at": self.created_at,
            "public_key": self.public_key,
            "engine": found.engine,
            "migration": found.migration,
            "counts": dict(found.counts),
            "logs": {code: list(log) for code, log in found.logs.items()},
            "files": self.files,
        }


@dataclass(frozen=True, slots=True)
class Packed:
    """A backup that was written: where, and its figures for the summary line."""

    path: Path
    size: int
    files: int
    logs: int
    seconds: str

    def summary(self) -> str:
        """The one line that the command line ends with."""
        return f"bytes={self.size} files={self.files} logs={self.logs} seconds={self.seconds}"


def program_version() -> str:
    """The version of this program."""
    try:
        return version("linyi")
    except PackageNotFoundError:
        return "0.1.0"


def elapsed(since: float) -> str:
    """Seconds since a reading of the monotonic clock, to the tenth."""
    return f"{time.monotonic() - since:.1f}"


@contextmanager
def workplace(settings: Settings) -> Iterator[Path]:
    """A folder of our own beside the data, gone at the end; what a killed run left goes too.

    Plain copies of the database lie here for a moment, so it is as close as the database itself.
    """
    for left in settings.data_dir.glob(f"{WORK}*"):
        if _is_old(left):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=WORK, dir=settings.data_dir))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# --- writing -------------------------------------------------------------------------------------


def pack(settings: Settings, folder: Path) -> Packed:
    """Write one backup into `folder`. Raises: RuleBroken keeping.*; nothing half-done is left."""
    started = time.monotonic()
    key = sealing.read_key(settings.backup_key_file)
    path = folder / clock.local(clock.now()).strftime(NAME)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PART}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with workplace(settings) as work:
            found = engines.dump(settings, work / DATABASE)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as raw:
                files = _write(settings, raw, key, work / DATABASE, found)
                raw.flush()
                os.fsync(raw.fileno())
        part.replace(path)
        erasures.copy_to(folder)
        _sync_folder(folder)
    except OSError as error:
        raise RuleBroken("keeping.not_written", why=error.strerror or str(error)) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return Packed(path, path.stat().st_size, files, len(found.logs), elapsed(started))


def _sync_folder(folder: Path) -> None:
    """A rename lasts once its folder is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(settings: Settings, raw: IO[bytes], key: bytes, database: Path, found: Inventory) -> int:
    created_at = clock.to_record(clock.now())
    sealer = sealing.Sealer(raw, key, program_version(), created_at)
    hashes: dict[str, str] = {}
    with (
        gzip.GzipFile(fileobj=cast("IO[bytes]", sealer), mode="wb", compresslevel=1) as zipped,
        tarfile.open(fileobj=zipped, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        hashes[DATABASE] = _add(tar, DATABASE, database)
        hashes[SECRET] = _add_bytes(tar, SECRET, settings.secret_key.encode())
        for name, path in _files(settings):
            with suppress(FileNotFoundError):
                # Erased since the folder was read: then the database does not miss it either.
                hashes[name] = _add(tar, name, path)
        signer = base64.b64encode(public_key()).decode()
        whole = Manifest(program_version(), created_at, signer, found, hashes)
        _add_bytes(tar, MANIFEST, json.dumps(whole.as_json()).encode())
    sealer.finish()
    return len(hashes)


class _Hashed(io.RawIOBase):
    """A file whose bytes are hashed as they are read."""

    def __init__(self, raw: IO[bytes]) -> None:
        super().__init__()
        self.raw, self.digest = raw, hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        data = self.raw.read(size)
        self.digest.update(data)
        return data


def _add(tar: tarfile.TarFile, name: str, path: Path) -> str:
    with path.open("rb") as raw:
        info = tarfile.TarInfo(name)
        info.size, info.mode = os.fstat(raw.fileno()).st_size, 0o600
        hashed = _Hashed(raw)
        tar.addfile(info, cast("IO[bytes]", hashed))
    return hashed.digest.hexdigest()


def _add_bytes(tar: tarfile.TarFile, name: str, data: bytes) -> str:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o600
    tar.addfile(info, io.BytesIO(data))
    return hashlib.sha256(data).hexdigest()


def folders(settings: Settings) -> list[Path]:
    """The folders of the data folder that belong into a backup: pictures, and whatever comes.

    Loose files there are the database, keys and slips of passwords; none of them goes in this way.
    """
    outside = {settings.record_key_path.parent, settings.backup_dir}
    return sorted(
        path
        for path in settings.data_dir.iterdir()
        if path.is_dir()
        and not path.is_symlink()
        and path.name not in NEVER
        and not path.name.startswith((WORK, ASIDE))
        and path not in outside
    )


def _files(settings: Settings) -> Iterator[tuple[str, Path]]:
    keys = _signing_keys(settings)
    for folder in folders(settings):
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not path.is_file() or _is_key(path, keys):
                continue
            if path.name.startswith("linyi-") and path.suffix in {".backup", PART}:
                continue
            yield f"{FOLDERS}/{path.relative_to(settings.data_dir).as_posix()}", path


def _signing_keys(settings: Settings) -> set[bytes]:
    path = settings.record_key_path
    return {path.read_bytes()} if path.exists() else set()


def _is_key(path: Path, keys: set[bytes]) -> bool:
    """A copy of the signing key does not go in under another name either."""
    return path.stat().st_size < TOO_LARGE_FOR_A_KEY and path.read_bytes() in keys


# --- reading -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A backup that was read whole: every byte authentic, every hash as the manifest says."""

    folder: Path
    manifest: Manifest

    @property
    def database(self) -> Path:
        """The copy of the database."""
        return self.folder / DATABASE

    @property
    def files(self) -> Path:
        """What goes back into the data folder."""
        return self.folder / FOLDERS

    @property
    def secret(self) -> str:
        """The secret that keys the hashes of household codes."""
        return (self.folder / SECRET).read_text(encoding="utf-8")


def unpack(path: Path, key: bytes, into: Path) -> Unpacked:
    """Decrypt a backup into an empty folder and look whether it is whole.

    Raises: RuleBroken keeping.no_file, keeping.not_a_backup, keeping.newer_format,
    keeping.other_key, keeping.damaged, keeping.not_written.
    """
    try:
        raw = path.open("rb")
    except OSError as error:
        raise RuleBroken("keeping.no_file", path=str(path)) from error
    with raw:
        opener = sealing.Opener(raw, key)
        try:
            return _unpack(opener, into)
        except OSError as error:
            if isinstance(error, gzip.BadGzipFile):
                raise RuleBroken("keeping.damaged", piece=0) from error
            raise RuleBroken("keeping.not_written", why=error.strerror or str(error)) from error
        except (tarfile.TarError, zlib.error, EOFError, ValueError, KeyError) as error:
            raise RuleBroken("keeping.damaged", piece=0) from error


def _unpack(opener: sealing.Opener, into: Path) -> Unpacked:
    hashes: dict[str, str] = {}
    with (
        gzip.GzipFile(fileobj=cast("IO[bytes]", io.BufferedReader(opener)), mode="rb") as zipped,
        tarfile.open(fileobj=zipped, mode="r|") as tar,
    ):
        for member in tar:
            source = tar.extractfile(member)
            if source is None or not _is_plain(member.name):
                raise ValueError(member.name)
            hashes[member.name] = _extract(source, into / member.name)
    hashes.pop(MANIFEST)
    manifest = _manifest(json.loads((into / MANIFEST).read_bytes()))
    if manifest.files != hashes:
        raise RuleBroken("keeping.damaged", piece=0)
    return Unpacked(into, manifest)


def _is_plain(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _extract(source: IO[bytes], path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("xb") as out:
        while data := source.read(1024 * 1024):
            digest.update(data)
            out.write(data)
    return digest.hexdigest()


def _manifest(found: dict[str, Any]) -> Manifest:
    logs = {code: (int(size), str(head)) for code, (size, head) in found["logs"].items()}
    return Manifest(
        found["version"],
        found["created_at"],
        found["public_key"],
        Inventory(found["engine"], found["migration"], found["counts"], logs),
        found["files"],
    )


# --- the folder of backups ----------------------------------------------------------------------


def taken_in(folder: Path) -> dict[datetime, Path]:
    """The backups in a folder, by the moment in their names."""
    found: dict[datetime, Path] = {}
    for path in folder.glob("linyi-*.backup"):
        with suppress(ValueError):
            moment = datetime.strptime(path.name, NAME)  # noqa: DTZ007 -- the zone follows
            found[moment.replace(tzinfo=clock.LOCAL)] = path
    return found


def forget_old(folder: Path, keep: Keep) -> int:
    """Delete the backups that no day, week or month keeps, and what killed runs left.

    Gives how many backups went.
    """
    taken = taken_in(folder)
    gone = to_delete(taken, keep)
    for moment in gone:
        taken[moment].unlink(missing_ok=True)
    for left in folder.glob(f"linyi-*{PART}"):
        if _is_old(left):
            left.unlink(missing_ok=True)
    return len(gone)


def _is_old(path: Path) -> bool:
    """Whether a leftover is older than a day, which no run that still goes on can be."""
    return clock.now().timestamp() - path.stat().st_mtime > 24 * 3600


def newest_in(folder: Path) -> Path:
    """The newest backup in a folder. Raises: RuleBroken keeping.no_backup."""
    taken = taken_in(folder)
    if not taken:
        raise RuleBroken("keeping.no_backup", folder=str(folder))
    return taken[max(taken)]
