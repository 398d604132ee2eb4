"""The city of 200 communities and 300,000 households: page times, memory, backup and restore.

`make bench` runs it after the rest; alone: `python -m benchmarks.scale`. Making the city takes minutes; LINYI_SCALE_DIR names a data
folder that already holds one.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pyotp

from benchmarks.client import TOKEN, Browser, come_in, found
from benchmarks.support import (
    PORT,
    client,
    codes,
    environment,
    figure,
    flask,
    memory_mb,
    portal,
    server,
)

if TYPE_CHECKING:
    from collections.abc import Callable

COMMUNITIES, HOUSEHOLDS = 200, 300_000
LOOKS = 41


def median_ms(ask: Callable[[], tuple[int, str, str]]) -> float:
    """The median of so many looks, each of which must succeed, after three that do not count."""
    times = []
    for number in range(LOOKS + 3):
        begun = time.perf_counter()
        status, _to, _text = ask()
        spent = 1000 * (time.perf_counter() - begun)
        if status != 200:
            raise RuntimeError(f"the page answered {status}")
        if number >= 3:
            times.append(spent)
    return statistics.median(times)


def officer(env: dict[str, str]) -> Browser:
    """Somebody who may see the whole city."""
    said = flask(env, "demo", "staff", "shiji")
    password, secret = said.split()
    browser = Browser(PORT)
    _status, _to, page = browser.ask("GET", "/staff/sign-in")
    form = {
        "csrf_token": found(TOKEN, page),
        "name": "shiji",
        "password": password,
        "totp": pyotp.TOTP(secret).now(),
    }
    status, _to, text = browser.ask("POST", "/staff/sign-in", form)
    if status != 303:
        raise RuntimeError(f"refused at the door: {status} {text[:200]}")
    return browser


def pages(env: dict[str, str], folder: Path) -> None:
    """The pages that many people look at, in the hundredth community."""
    rows = codes(env, folder, ["S100"], 2).read_text(encoding="utf-8").splitlines()
    code, fact, _home = rows[1].split(",")
    with server(portal(), env) as running:
        phone, ballot = come_in(PORT, code, fact)
        home = "/c/S100/"
        figure(
            "city: ballot page, median", median_ms(lambda: phone.ask("GET", ballot)), "ms", "≤ 50"
        )
        figure(
            "city: resident's home, median", median_ms(lambda: phone.ask("GET", home)), "ms", "≤ 50"
        )
        figure(
            "city: front page, median",
            median_ms(lambda: Browser(PORT).ask("GET", "/")),
            "ms",
            "≤ 50",
        )
        desk = officer(env)
        district = median_ms(lambda: desk.ask("GET", "/d/SCALE/"))
        figure("city: overview of 200 communities, median", district, "ms", "≤ 300")
        figure("city: memory of the server (PSS, all processes)", memory_mb(running.pid), "MB")
        client(do="pages", port=PORT, clients=16, number=3000, path=home)
        figure("city: memory after 3,000 pages", memory_mb(running.pid), "MB")


def keeping(env: dict[str, str], folder: Path) -> None:
    """A backup of the whole city, the drill that proves it, and the restore in its place."""
    kept = env | {
        "LINYI_BACKUP_DIR": str(folder / "backups"),
        "LINYI_BACKUP_KEY_FILE": str(folder / "backup.key"),
    }
    flask(kept, "backup", "--new-key")
    begun = time.perf_counter()
    file = flask(kept, "backup").splitlines()[0]
    figure("city: backup", time.perf_counter() - begun, "s")
    figure("city: size of the backup", Path(file).stat().st_size / 1e6, "MB")
    for name, how in (("drill of the backup", "--drill"), ("restore", "--replace")):
        begun = time.perf_counter()
        flask(kept, "restore", file, how)
        figure(f"city: {name}", time.perf_counter() - begun, "s")


def main() -> None:
    """Measure in the city, making it first unless it stands."""
    standing = os.environ.get("LINYI_SCALE_DIR")
    with tempfile.TemporaryDirectory() as folder:
        env = environment(Path(standing or folder))
        if not standing:
            begun = time.perf_counter()
            flask(env, "db", "upgrade")
            size = ("--communities", str(COMMUNITIES), "--households", str(HOUSEHOLDS))
            flask(env, "demo", "scale", *size)
            figure("city of 200 communities: made", time.perf_counter() - begun, "s")
        pages(env, Path(folder))
        keeping(env, Path(folder))


if __name__ == "__main__":
    main()
