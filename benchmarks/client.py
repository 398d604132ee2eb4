"""The load client, a process of its own: residents who come in, look, cast, and read the receipt."""

from __future__ import annotations

import csv
import http.client
import json
import re
import sys
import threading
import time
from urllib.parse import urlencode

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
SUBMIT = re.compile(r'name="token"[^>]*value="([^"]+)"')


class Browser:
    """A resident's phone: keeps its connection and its cookies."""

    def __init__(self, port: int) -> None:
        self.link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}

    def ask(
        self, method: str, path: str, form: dict[str, str] | None = None
    ) -> tuple[int, str, str]:
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        body = None
        if form is not None:
            body = urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.link.request(method, path, body, headers)
        answer = self.link.getresponse()
        text = answer.read().decode()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _sign, value = line.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, answer.headers.get("Location", ""), text


def found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""


def come_in(port: int, code: str, fact: str) -> tuple[Browser, str]:
    """Enter by the letter; gives the browser and the ballot's address."""
    phone = Browser(port)
    _status, _to, page = phone.ask("GET", "/e")
    form = {"csrf_token": found(TOKEN, page), "code": code, "second_fact": fact, "adult": "y"}
    status, ballot, text = phone.ask("POST", "/e", form)
    if status != 303:
        raise RuntimeError(f"refused at the door: {status} {text[:200]}")
    return phone, ballot


def visit(phone: Browser, ballot: str, times: list[float]) -> bool:
    """Look at the ballot, cast it, read the receipt; times are of the cast alone."""
    status, _to, page = phone.ask("GET", ballot)
    form = {"csrf_token": found(TOKEN, page), "token": found(SUBMIT, page), "choice": "yes"}
    start = time.perf_counter()
    cast, receipt, _text = phone.ask("POST", ballot, form)
    times.append(time.perf_counter() - start)
    seen, _to, _text = phone.ask("GET", receipt) if receipt else (0, "", "")
    return (status, cast, seen) == (200, 303, 200)


def in_threads(clients: int, work: list[object], do: object) -> float:
    """Let so many clients share the work; gives the seconds from first to last."""
    left, lock = list(reversed(work)), threading.Lock()

    def run() -> None:
        while True:
            with lock:
                if not left:
                    return
                item = left.pop()
            do(item)  # type: ignore[operator]

    threads = [threading.Thread(target=run) for _ in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def casts(port: int, clients: int, file: str) -> dict[str, object]:
    """Everybody of the file casts once, after all have come in."""
    with open(file, encoding="utf-8") as rows:
        people = [(row["code"], row["second_fact"]) for row in csv.DictReader(rows)]
    inside: list[object] = []
    in_threads(clients, list(people), lambda one: inside.append(come_in(port, *one)))
    times: list[float] = []
    good: list[bool] = []
    seconds = in_threads(clients, inside, lambda one: good.append(visit(one[0], one[1], times)))
    times.sort()
    return {
        "visits": len(people),
        "errors": good.count(False),
        "seconds": seconds,
        "visits_per_second": len(people) / seconds,
        "cast_ms": {
            q: 1000 * times[min(int(len(times) * q / 100), len(times) - 1)] for q in (50, 95, 99)
        },
    }


def pages(
    port: int, clients: int, number: int, path: str, code: str = "", fact: str = ""
) -> dict[str, object]:
    """Fetch one page over and over, each client on its own connection."""
    local = threading.local()
    bad: list[int] = []
    cookies = come_in(port, code, fact)[0].cookies if code else {}

    def fetch(_number: object) -> None:
        if not hasattr(local, "phone"):
            local.phone = Browser(port)
            local.phone.cookies = dict(cookies)
        status, _to, _text = local.phone.ask("GET", path)
        if status != 200:
            bad.append(status)

    seconds = in_threads(clients, list(range(number)), fetch)
    return {"requests_per_second": number / seconds, "errors": len(bad)}


if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    print(json.dumps({"casts": casts, "pages": pages}[job.pop("do")](**job)))
