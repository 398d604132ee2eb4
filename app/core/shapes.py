"""What may stand in an address or a form at all, before any room looks at it.

PostgreSQL stores no NUL, and neither engine an id beyond 31 bits: both end as a fault deep in the
database, where nobody could say a sensible word any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import abort, request
from flask_babel import gettext as _
from werkzeug.exceptions import BadRequest
from werkzeug.routing import IntegerConverter

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.routing import Map

LARGEST_ID = 2**31 - 1
NO_ROW = 0


class Unstorable(BadRequest):
    """A form holds a character that cannot be stored."""


class IdConverter(IntegerConverter):
    """`<int:…>` in addresses: an id that a row can have; all others are not found."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=LARGEST_ID)


def row_id(text: str) -> int | None:
    """The id a text names; None when it names none. One that no row can have finds none."""
    if not (text.isascii() and text.isdecimal()):
        return None
    number = int(text) if len(text) <= len(str(LARGEST_ID)) else NO_ROW
    return number if number <= LARGEST_ID else NO_ROW


def init(app: Flask) -> None:
    """Bound ids in addresses. Call it before the first route."""
    app.url_map.converters["int"] = IdConverter


def refuse_unstorable() -> None:
    """Stop a request that carries NUL: an address with it is not there, a form is not taken."""
    if "\0" in request.path or any("\0" in text for text in _texts(request.args.lists())):
        abort(404)
    if request.method == "POST" and any("\0" in text for text in _texts(request.form.lists())):
        raise Unstorable


def sentence() -> str:
    """Why a form with such a character was not taken."""
    return _(
        "您填的内容里有一个看不见、也存不了的字符，没有保存。请删掉粘贴进来的部分，手动再输一次。"
    )


def _texts(pairs: object) -> list[str]:
    return [text for name, values in pairs for text in (name, *values)]  # type: ignore[attr-defined]
