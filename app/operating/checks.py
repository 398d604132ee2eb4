"""Every check of an installation: the facts from `looking`, the judgement from `rules`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from flask import current_app

from app.core import clock, space
from app.core.db import db
from app.core.jobs import MARK_KEY, SEEN_KEY, secret_mark
from app.operating import looking, rules
from app.operating.rules import Check

if TYPE_CHECKING:
    from app.config import Settings
    from app.operating.looking import Database
    from app.operating.rules import Finding, Readiness

# Where `init` puts them unless told otherwise.
SLIPS = "administrators.txt"


def examine() -> list[Finding]:
    """Look at everything once, in the order in which it is told; changes nothing."""
    settings: Settings = current_app.config["SETTINGS"]
    seen = looking.database(settings.database_url)
    return [
        *_of_the_machine(settings, seen),
        *_of_the_database(seen),
        *_of_the_work(settings, seen),
        *_of_the_program(settings),
    ]


def _of_the_machine(settings: Settings, seen: Database) -> list[Finding]:
    production, key = settings.production, settings.record_key_path
    rooms = [room.percent for room in space.watch().rooms()]
    return [
        rules.data_folder(looking.folder(settings.data_dir), production=production),
        rules.secret_key(
            looking.folder(settings.data_dir / "secret.key"),
            in_environment=bool(os.environ.get("LINYI_SECRET_KEY")),
            fits=(seen.values or {}).get(MARK_KEY) in {None, secret_mark()},
        ),
        rules.record_key(
            looking.folder(key),
            signed=seen.signed,
            inside_data=key.resolve().is_relative_to(settings.data_dir.resolve()),
            production=production,
        ),
        rules.slips(looking.folder(settings.data_dir / SLIPS)),
        rules.disk(rooms, read_only=space.watch().full()),
        rules.machine_clock(clock.now(), seen.latest, seen.now),
        rules.address(looking.address(settings), production=production),
        rules.proxy(settings.trusted_proxies, production=production),
    ]


def _of_the_database(seen: Database) -> list[Finding]:
    heads, known = looking.revisions()
    return [
        rules.database(
            reachable=seen.reachable, exists=seen.exists, writable=seen.writable, kind=seen.kind
        ),
        rules.migrations(seen.revision, heads, known),
        _durability(seen),
    ]


def _durability(seen: Database) -> Finding:
    facts = seen.facts
    if not seen.reachable or not facts:
        return rules.unseen(Check.DURABILITY)
    if seen.kind == looking.SQLITE:
        return rules.sqlite_durability(
            wal=facts["wal"],
            synchronous=looking.portal_synchronous(lambda: db.engine),
            file_system=facts["file_system"],
        )
    return rules.postgresql_durability(
        fsync=facts["fsync"],
        synchronous_commit=facts["synchronous_commit"],
        version=int(facts["server_version_num"]) // 10_000,
    )


def _of_the_work(settings: Settings, seen: Database) -> list[Finding]:
    now = clock.now()
    if seen.values is None:
        return [rules.unseen(c) for c in (Check.WORKER, Check.JOBS, Check.BACKUP, Check.DRILL)]
    return [
        rules.worker(now, seen.time(SEEN_KEY), seen.oldest_due, read_only=space.watch().full()),
        rules.failed_jobs(seen.failed),
        rules.backup(now, _kept(seen, "last_backup"), production=settings.production),
        rules.drill(now, _kept(seen, "last_drill"), production=settings.production),
    ]


def _kept(seen: Database, name: str) -> rules.Kept:
    return rules.Kept(
        seen.time(f"{name}_at"), seen.went_well(f"{name}_ok"), seen.time(f"{name}_good_at")
    )


def _of_the_program(settings: Settings) -> list[Finding]:
    pinned = looking.pinned()
    return [
        rules.fonts(*looking.fonts(settings)),
        rules.python(looking.python_version()),
        rules.packages(pinned, looking.installed(pinned)),
        rules.messages(),
    ]


def readiness() -> Readiness:
    """Whether the portal can be used right now; three small reads at most."""
    revision, seen = looking.pulse(db.session())
    heads, _known = looking.revisions()
    return rules.readiness(
        clock.now(),
        migrated=None if revision is None else [revision] == list(heads),
        seen=seen,
        read_only=space.watch().full(),
    )
