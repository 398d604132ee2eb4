"""Every file under docs/deploy, as an operator puts it in place: nginx, systemd, PostgreSQL.

The checks of their text run always. With `make soak` the real programs run them; what is absent is
installed from the system's packages where that is allowed. Nothing is sent beyond this machine.
"""

from __future__ import annotations

import configparser
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from app import config
from app.config import ROOT
from tests.operating.installation import Crowd, Installation, form_of, installed

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPLOY = ROOT / "docs" / "deploy"
NAME = "linyi.example.cn"
UNITS = ("linyi.socket", "linyi.service", "linyi-worker.service")


# --- what the files say ------------------------------------------------------------------------


def example_environment(folder: Path, **changes: str) -> dict[str, str]:
    """The example's settings, with folders of this test."""
    lines = (DEPLOY / "linyi.env").read_text(encoding="utf-8").splitlines()
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    found = {name: value for name, _equals, value in pairs}
    data, keys = folder / "data", folder / "keys"
    assert (
        Path(found["LINYI_BACKUP_KEY_FILE"]).parent == Path(found["LINYI_RECORD_KEY_FILE"]).parent
    )
    return found | {
        "LINYI_BACKUP_DIR": str(folder / "backups"),
        "LINYI_BACKUP_KEY_FILE": str(keys / "backup.key"),
        "LINYI_DATA_DIR": str(data),
        "LINYI_RECORD_KEY_FILE": str(keys / "record.key"),
        "LINYI_DISK_DIRS": "",
        "LINYI_READ_ONLY_PERCENT": "0",
        **changes,
    }


def test_the_example_settings_start_in_production_and_are_all_documented(tmp_path: Path) -> None:
    environment = example_environment(tmp_path)
    settings = config.from_environment(environment)
    assert settings.production
    assert settings.trusted_proxies == 1
    assert settings.host in settings.trusted_hosts
    documented = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in documented for name in environment)


def unit(name: str) -> configparser.ConfigParser:
    """A unit file, read strictly: every key once in its section."""
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string((DEPLOY / name).read_text(encoding="utf-8"))
    return parser


def test_units_nginx_and_settings_name_the_same_places() -> None:
    listening = unit("linyi.socket")["Socket"]["ListenStream"]
    nginx = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    assert f"server unix:{listening} " in nginx
    environment = (DEPLOY / "linyi.env").read_text(encoding="utf-8")
    for name in UNITS[1:]:
        service = unit(name)["Service"]
        folders = [f"/var/lib/{folder}" for folder in service["StateDirectory"].split()]
        data = re.search(r"LINYI_DATA_DIR=(\S+)", environment)
        key = re.search(r"LINYI_RECORD_KEY_FILE=(\S+)/", environment)
        # Everything else on the disk is closed to these services.
        backups = re.search(r"LINYI_BACKUP_DIR=(\S+)", environment)
        assert data
        assert key
        assert backups
        assert folders == [data[1], key[1], backups[1]]
        assert service["WorkingDirectory"] in service["ExecStart"]
    assert unit("linyi.service")["Service"]["ExecReload"] == "/bin/kill -HUP $MAINPID"


def test_nginx_believes_nobody_and_sends_no_form_twice() -> None:
    nginx = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in nginx
    assert "proxy_next_upstream off;" in nginx
    assert "$request_uri" not in re.findall(r"log_format.*", nginx)[0]
    upstream = re.search(r"upstream linyi \{(.*?)\}", nginx, re.DOTALL)
    assert upstream
    assert "keepalive" not in upstream[1]


def test_the_guide_names_every_file() -> None:
    guide = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    for path in DEPLOY.iterdir():
        assert path.name in guide, path.name


def test_the_page_for_a_portal_that_is_down_needs_nothing_else() -> None:
    page = (ROOT / "static" / "down.html").read_text(encoding="utf-8")
    assert "没有存上" in page
    assert "<script" not in page
    assert " style" not in page


# --- the real programs -------------------------------------------------------------------------


def program(name: str, package: str, *places: str) -> str:
    """Where a program is; installed first where it is absent and that is allowed."""
    path = os.pathsep.join([os.environ["PATH"], "/usr/sbin", *places])
    found = shutil.which(name, path=path)
    if found is None:
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "install", "-y", "-q", package], check=True, env=quiet)
        found = shutil.which(name, path=path)
    assert found, f"{name} is needed: install the package {package}"
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.soak
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    verify = program("systemd-analyze", "systemd")
    for name in UNITS:
        text = (DEPLOY / name).read_text(encoding="utf-8")
        # The programs of an installation are not on this machine; the user is one that is.
        text = text.replace("/srv/linyi/.venv/bin/python", sys.executable)
        text = text.replace("/srv/linyi/.venv/bin/flask", sys.executable)
        text = text.replace("User=linyi", "User=root").replace("Group=linyi", "Group=root")
        (tmp_path / name).write_text(text, encoding="utf-8")
    files = [str(tmp_path / name) for name in UNITS]
    done = subprocess.run(
        [verify, "verify", "--man=no", *files], capture_output=True, text=True, check=False
    )
    said = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "linyi" in line]
    assert (done.returncode, said) == (0, [])


@dataclass
class Site:
    """nginx with the project's file, on ports of its own."""

    portal: Installation
    folder: Path
    https: int
    http: int
    certificate: Path

    def connection(self, name: str = NAME) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.check_hostname = name == NAME
        plain = socket.create_connection(("127.0.0.1", self.https), timeout=60)
        connection = http.client.HTTPSConnection(name, timeout=60)
        connection.sock = context.wrap_socket(plain, server_hostname=name)
        return connection

    def ask(
        self, method: str, address: str, body: bytes | str = b"", **headers: str
    ) -> tuple[http.client.HTTPResponse, str]:
        """One request over TLS, as a browser makes it."""
        connection = self.connection()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body:
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
            sent.setdefault("Referer", f"https://{NAME}/")
        connection.request(method, address, body or None, sent)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
        connection.close()
        return answer, text


def certificate(folder: Path) -> Path:
    """A certificate for the example's name that signs itself."""
    openssl = program("openssl", "openssl")
    pem, key = folder / "fullchain.pem", folder / "privkey.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", f"/CN={NAME}", "-addext"),
            *(f"subjectAltName=DNS:{NAME}", "-keyout", str(key), "-out", str(pem)),
        ],
        check=True,
        capture_output=True,
    )
    return pem


@contextmanager
def nginx_over(portal: Installation, folder: Path) -> Iterator[Site]:
    """The project's site file with this test's places, under a main file as Debian has it."""
    nginx = program("nginx", "nginx-light")
    https, http_port = free_port(), free_port()
    pem = certificate(folder)
    site = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    for written, here in {
        "unix:/run/linyi/linyi.sock": f"unix:{portal.path}",
        "/etc/letsencrypt/live/linyi.example.cn": str(folder),
        "/var/log/nginx": str(folder),
        "/srv/linyi": str(ROOT),
        "listen 443 ssl": f"listen 127.0.0.1:{https} ssl",
        "listen 80": f"listen 127.0.0.1:{http_port}",
    }.items():
        assert written in site, written
        site = site.replace(written, here)
    (folder / "site.conf").write_text(site, encoding="utf-8")
    user = "user root;" if os.geteuid() == 0 else ""
    main = f"""
        {user} worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.err;
        events {{ worker_connections 512; }}
        http {{
            types {{ text/html html; text/css css; text/javascript js; image/svg+xml svg; }}
            client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
            fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
            include {folder}/site.conf;
        }}"""
    (folder / "nginx.conf").write_text(main, encoding="utf-8")
    command = [nginx, "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    assert "warn" not in tested.stderr, tested.stderr
    running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for(https)
        yield Site(portal, folder, https, http_port, pem)
    finally:
        running.terminate()
        running.wait(20)


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            threading.Event().wait(0.05)
        else:
            return
    raise AssertionError("nothing listens")


def flask(environment: dict[str, str], *words: str) -> str:
    """A command of the portal, as the operator types it."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *words],
        cwd=ROOT,
        env=os.environ | environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


INIT = ("init", "--city", "清河市", "--city-code", "QH", "--first", "lin", "--second", "he")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """An installation on SQLite by the example's settings, behind nginx."""
    environment = example_environment(tmp_path)
    del environment["LINYI_DATABASE_URL"]
    flask(environment, *INIT)
    with installed(tmp_path, environment) as portal, nginx_over(portal, tmp_path) as site:
        yield site


@pytest.mark.soak
def test_pages_come_over_tls_with_their_headers_and_cookies(site: Site) -> None:
    answer, page = site.ask("GET", "/e")
    assert answer.status == 200
    assert "信上的编码" in page
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    (cookie,) = answer.headers.get_all("Set-Cookie")
    assert cookie.startswith("__Host-linyi=")
    for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert part in cookie
    assert "Domain" not in cookie
    styles = re.search(r'href="(/static/css/app.css\?v=\w+)"', page)
    assert styles
    asset, _text = site.ask("GET", styles[1], Accept_Encoding="gzip")
    assert asset.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert asset.headers["Content-Encoding"] == "gzip"
    bare, _text = site.ask("GET", "/static/css/app.css")
    assert "immutable" not in bare.headers["Cache-Control"]


@pytest.mark.soak
def test_plain_http_leads_to_https_by_the_fixed_name(site: Site) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", site.http, timeout=20)
    connection.request("GET", "/c/HXL/?x=1", headers={"Host": NAME})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/c/HXL/?x=1")


@pytest.mark.soak
def test_forged_hosts_are_neither_answered_nor_repeated(site: Site) -> None:
    for forged in ("evil.example", f"{NAME}.evil.example", f"{NAME}:8443@evil.example"):
        connection = site.connection()
        connection.putrequest("GET", "/e", skip_host=True)
        connection.putheader("Host", forged)
        connection.endheaders()
        try:
            answer = connection.getresponse()
        except http.client.HTTPException:
            continue
        # nginx takes the last one for its own name with an odd port, and passes the name alone on.
        assert answer.status in {400, 421} or "@" in forged
        assert "evil" not in answer.read().decode() + str(answer.headers)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        site.connection("evil.example")
    answer, page = site.ask("GET", "/staff/", X_Forwarded_Host="evil.example")
    assert "evil" not in page + str(answer.headers)
    # The portal itself refuses too, should nginx be set up otherwise.
    status, _cookie, _text = site.portal.ask("GET", "/e", host="evil.example")
    assert status == 400


@pytest.mark.soak
def test_large_bodies_pass_where_they_are_meant_to_and_nowhere_else(site: Site) -> None:
    first, page = site.ask("GET", "/complaints")
    cookie = first.headers["Set-Cookie"].partition(";")[0]
    token = form_of(page)
    for size, statuses in ((1_000_000, {400, 413}), (30_000_000, {400, 413}), (32_000_000, {413})):
        answer, text = site.ask("POST", "/view", f"{token}&x={'x' * size}", Cookie=cookie)
        assert answer.status in statuses, size
        assert "没有保存" in text or size == 32_000_000


@pytest.mark.soak
def test_a_roll_of_many_megabytes_passes(site: Site, tmp_path: Path) -> None:
    """A clerk sends a workbook of 25 MB; the portal reads it and says what is wrong with it."""
    program = """
from app import create_app
from tests.support.world import World
from app.core.actor import Role
from app.people import browser
app = create_app()
with app.app_context():
    world = World(app)
    place = world.community("HXL", 2)
    staff = world.staff(place, Role.CLERK)
    print(staff.name, staff.secret)
"""
    environment = site.portal.environment
    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    cookie = signed_in(site, said[0], said[1])
    answer, page = site.ask("GET", "/c/HXL/desk/roll", Cookie=cookie)
    assert answer.status == 200
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    boundary = "linyi-linyi-linyi"
    start = f"--{boundary}\r\nContent-Disposition: form-data; name="
    head = (
        f'{start}"csrf_token"\r\n\r\n{token[1]}\r\n'
        f'{start}"file"; filename="roll.csv"\r\nContent-Type: text/csv\r\n\r\n'
    )
    body = head.encode() + b"x" * 25_000_000 + f"\r\n--{boundary}--\r\n".encode()
    action = re.search(r'<form[^>]+action="([^"]+)"[^>]+multipart', page)
    answer, page = site.ask(
        "POST",
        action[1] if action else "/c/HXL/desk/roll",
        body,
        Cookie=cookie,
        Content_Type=f"multipart/form-data; boundary={boundary}",
    )
    assert answer.status not in {413, 502, 504}
    assert answer.status < 500


def signed_in(site: Site, name: str, secret: str) -> str:
    """The cookie of staff who came in through nginx."""
    from datetime import timedelta

    import pyotp

    from app.core import clock
    from tests.support.world import PASSWORD

    first, page = site.ask("GET", "/staff/sign-in")
    cookie = first.headers["Set-Cookie"].partition(";")[0]
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    totp = pyotp.TOTP(secret).at(clock.now() + timedelta(seconds=30))
    form = {"csrf_token": token[1], "name": name, "password": PASSWORD, "totp": totp}
    answer, text = site.ask("POST", "/staff/sign-in", urlencode(form), Cookie=cookie)
    assert answer.status == 303, text
    return str(answer.headers.get_all("Set-Cookie", [""])[-1].partition(";")[0])


@pytest.mark.soak
def test_a_forwarded_address_that_a_visitor_writes_changes_no_limit(site: Site) -> None:
    """The door admits 600 tries from one address; 650 with 650 written addresses are no more."""
    first, page = site.ask("GET", "/e")
    cookie = first.headers["Set-Cookie"].partition(";")[0]
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    form = urlencode({"csrf_token": token[1], "code": "", "second_fact": ""})
    statuses = [
        site.ask(
            "POST", "/e", form, Cookie=cookie, X_Forwarded_For=f"203.0.113.{n % 250}, 10.0.0.{n}"
        )[0].status
        for n in range(650)
    ]
    assert statuses[:600] == [422] * 600
    assert statuses[600:] == [429] * 50


@pytest.mark.soak
def test_twenty_restarts_behind_nginx_lose_no_request_of_lasting_connections(site: Site) -> None:
    first, page = site.ask("GET", "/complaints")
    cookie, form = first.headers["Set-Cookie"].partition(";")[0], form_of(page)
    own = threading.local()

    def visit() -> tuple[int, int]:
        # Browsers keep their connection to nginx over all restarts behind it.
        if not hasattr(own, "connection"):
            own.connection = site.connection()
        own.connection.request("GET", "/")
        answer = own.connection.getresponse()
        answer.read()
        headers = {
            "Cookie": cookie,
            "Content-Type": "application/x-www-form-urlencoded",
            "Referer": f"https://{NAME}/complaints",
        }
        own.connection.request("POST", "/view", form, headers)
        sent = own.connection.getresponse()
        sent.read()
        if "close" in (sent.getheader("Connection") or ""):
            del own.connection
        return answer.status, sent.status

    with Crowd(4, visit) as crowd:
        crowd.wait_for(20)
        for number in range(20):
            (site.portal.restart if number % 2 else site.portal.reload)()
            crowd.wait_for(40)
    assert crowd.lost == []
    lines = (site.folder / "linyi.log").read_text().splitlines()
    assert len(lines) >= 2 * crowd.good
    assert all(re.search(r" (GET|POST) (200|303) ", line) for line in lines)


@pytest.mark.soak
def test_a_portal_that_is_down_has_a_page(site: Site) -> None:
    site.portal.stop()
    site.portal.listening.close()
    answer, page = site.ask("GET", "/c/HXL/")
    assert answer.status == 502
    assert "网站暂时打不开" in page
    assert answer.headers["Cache-Control"] == "no-store"
    assert site.ask("GET", "/static/css/app.css")[0].status == 200


@contextmanager
def cluster(folder: Path) -> Iterator[Path]:
    """A PostgreSQL of the system's packages, run as its own user; gives the socket's folder."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    if not versions:
        program("psql", "postgresql")
        versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    tools = versions[-1]
    data = folder / "pg"
    rights: dict[str, Any] = {}
    if os.geteuid() == 0:
        data.mkdir()
        shutil.chown(data, "postgres", "postgres")
        rights = {"user": "postgres", "group": "postgres", "extra_groups": []}

    def run(name: str, *words: str) -> None:
        with (folder / "pg.out").open("ab") as out:
            command = [str(tools / name), "-D", str(data), *words]
            subprocess.run(command, check=True, cwd="/", stdout=out, stderr=out, **rights)

    # A machine that was set up without a language, which is the hardest for Chinese text.
    run("initdb", "-A", "trust", "-E", "SQL_ASCII", "--locale=C")
    options = f"-c listen_addresses='' -c unix_socket_directories={data}"
    run("pg_ctl", "-w", "-o", options, "-l", str(data / "log"), "start")
    try:
        yield data
    finally:
        run("pg_ctl", "-m", "fast", "stop")


@pytest.mark.soak
def test_postgresql_is_set_up_by_its_file_and_the_portal_lives_on_it() -> None:
    import tempfile

    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with cluster(folder) as sockets:
            run = ["psql", "-h", str(sockets), "-U", "postgres", "-v", "ON_ERROR_STOP=1"]
            subprocess.run([*run, "-f", str(DEPLOY / "postgresql.sql")], check=True)
            url = f"postgresql+psycopg://linyi@/linyi?host={sockets}"
            environment = example_environment(folder, LINYI_DATABASE_URL=url)
            environment["LINYI_WORKER_THREAD"] = "1"
            flask(environment, *INIT)
            with installed(folder, environment) as portal, nginx_over(portal, folder) as site:
                assert site.ask("GET", "/e")[0].status == 200
                settled = threading.Event()
                for _ in range(100):
                    if site.ask("GET", "/ready")[0].status == 200:
                        break
                    settled.wait(0.1)
                answer, text = site.ask("GET", "/ready")
                assert answer.status == 200, text
                (folder / "data" / "administrators.txt").unlink()
                flask(environment, "backup", "--new-key")
                kept = flask(environment, "backup").splitlines()[0]
                drilled = flask(environment, "restore", kept, "--drill")
                assert drilled.splitlines()[-1].startswith("ok=yes")
                said = subprocess.run(
                    [sys.executable, "-m", "flask", "--app", "wsgi", "doctor"],
                    cwd=ROOT,
                    env=os.environ | environment,
                    capture_output=True,
                    text=True,
                    check=False,
                ).stdout
            bad = [line for line in said.splitlines() if line.startswith("[不行]")]
            assert bad == [], said
