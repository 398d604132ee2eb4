"""Log lines as JSON with allow-listed fields: no phone, code, token or cookie can slip in.

A request leaves one line with its endpoint, never its address or query. A fault leaves where it
happened and what kind it was; its own words may hold what somebody typed, so they stay out.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
from traceback import walk_tb
from typing import TYPE_CHECKING

from flask import g, has_request_context, request

from app.config import ROOT
from app.core import clock
from app.core.errors import RuleBroken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask, Response

    from app.config import Settings

log = logging.getLogger("linyi.request")

FIELDS = (
    *("request", "method", "endpoint", "status", "ms", "bytes"),
    *("job", "kind", "community", "poll", "seconds"),
)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
OURS = ("app", "linyi")
# Whole phone numbers and codes are longer than this; years, seconds and counts are not.
LONG_NUMBER = re.compile(r"\d{6,}")
MOST_CHARACTERS = 300
# Without letters and figures that are mixed up on the telephone.
LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


class JsonLines(logging.Formatter):
    """One JSON object a line; line breaks in a message cannot make a second one."""

    def format(self, record: logging.LogRecord) -> str:
        """Write the message, its origin, the allowed extra fields, and where a fault happened."""
        line: dict[str, object] = {
            "at": clock.to_record(clock.now()),
            "level": record.levelname,
            "from": record.name,
            "message": _message(record),
        }
        if has_request_context():
            line["request"] = request_id()
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[1]:
            line["fault"] = [_kind(error) for error in _causes(record.exc_info[1])]
            line["trace"] = _trace(record.exc_info[1])
        return json.dumps(line, ensure_ascii=True)


def _message(record: logging.LogRecord) -> str:
    """Our own messages are constants; of others' only the pattern, without what was filled in."""
    ours = record.name.partition(".")[0] in OURS
    text = record.getMessage() if ours else str(record.msg)
    return LONG_NUMBER.sub("•", text)[:MOST_CHARACTERS]


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _kind(error: BaseException) -> str:
    """The kind of a fault with the code that says more; never its words."""
    code = ""
    if isinstance(error, RuleBroken):
        code = error.code
    elif isinstance(error, OSError) and error.errno is not None:
        code = str(error.errno)
    for name in ("sqlite_errorname", "sqlstate"):
        code = code or str(getattr(error, name, None) or "")
    return f"{type(error).__name__} {code}".strip()


def _trace(error: BaseException) -> list[str]:
    """Files, lines and functions from the outermost to where it happened, of the first cause."""
    first = list(_causes(error))[-1]
    frames = [
        *walk_tb(error.__traceback__),
        *(walk_tb(first.__traceback__) if first is not error else ()),
    ]
    return [
        f"{_short(frame.f_code.co_filename)}:{number} {frame.f_code.co_name}"
        for frame, number in frames
    ]


def _short(path: str) -> str:
    """A path within the project or its libraries, without the machine's folders."""
    return path.removeprefix(f"{ROOT}/").rpartition("site-packages/")[2]


class OthersOnlyWarn(logging.Filter):
    """Libraries are heard when they warn; what they tell besides is not ours to check."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is ours, or a warning."""
        return record.name.partition(".")[0] in OURS or record.levelno >= logging.WARNING


def request_id() -> str:
    """The number of this request, which a person can read out to the desk."""
    if "request_id" not in g:
        letters = "".join(secrets.choice(LETTERS) for _ in range(8))
        g.request_id = f"{letters[:4]}-{letters[4:]}"
    number: str = g.request_id
    return number


def init(app: Flask, settings: Settings) -> None:
    """Send the portal's log to standard error, with a line for each request. Call it first."""
    root = logging.getLogger()
    if not any(isinstance(handler.formatter, JsonLines) for handler in root.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        handler.addFilter(OthersOnlyWarn())
        root.addHandler(handler)
    root.setLevel(logging.INFO if settings.production else logging.WARNING)

    @app.before_request
    def _begin() -> None:
        g.begun = time.perf_counter()

    # The first to be registered is the last to be asked: it sees what all others made of it.
    app.after_request(_line)


def _line(answer: Response) -> Response:
    answer.headers["X-Request-Id"] = request_id()
    place = g.get("place")
    log.info(
        "request",
        extra={
            "method": request.method if request.method in METHODS else "?",
            "endpoint": request.endpoint or "",
            "status": answer.status_code,
            "ms": round(1000 * (time.perf_counter() - g.get("begun", time.perf_counter()))),
            "bytes": answer.content_length or 0,
            "community": str(getattr(place, "code", "")),
        },
    )
    return answer
