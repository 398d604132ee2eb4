"""A form that comes again because its answer was lost is answered as it was the first time.

When the line breaks the page asks to press once more, and most operations notice by themselves that
they are asked twice. But a step that has been taken is refused, and to whoever took it that refusal
is untrue. So the change that a form brings leaves the mark of the very form, in one transaction.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from flask import request
from sqlalchemy import String, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from app.core import canonical, clock
from app.core.db import Base, before_commit, db

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

COMING, LEFT = "sent_form_coming", "sent_form_left"
# The fields by which a proof of who one is comes along with the form that it is for.
PROOF_TYPED, PROOF_KEY = "proof_totp", "proof_passkey"


class SentForm(Base):
    """The mark of a form that has changed something; nothing of the form can be read from it."""

    __tablename__ = "sent_form"

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    mark: Mapped[str] = mapped_column(String(64), unique=True)
    at: Mapped[datetime]


@contextmanager
def marked() -> Iterator[None]:
    """Let the changes made inside leave this request's mark."""
    info = db.session().info
    info.pop(LEFT, None)
    info[COMING] = _mark()
    try:
        yield
    finally:
        info.pop(COMING, None)


def came_before() -> bool:
    """Whether an earlier request with this very form has changed what it asked for."""
    session = db.session()
    if LEFT in session.info:
        return False
    mark = _mark()
    if mark is None:
        return False
    return session.scalar(select(SentForm.id).where(SentForm.mark == mark)) is not None


def _mark() -> str | None:
    """The same for two requests only when one page's form was sent twice.

    The token of the form is a secret of one browser and bears the second in which its page was
    made; without it two forms cannot be told apart, and there is no mark.
    """
    if not request.form.get("csrf_token"):
        return None
    # A proof that the very form needed the second time makes it no other form.
    fields = sorted(
        [name, value]
        for name, value in request.form.items(multi=True)
        if name not in {PROOF_TYPED, PROOF_KEY}
    )
    files = sorted([name, file.filename or ""] for name, file in request.files.items(multi=True))
    told = canonical.canonical({"path": request.path, "fields": fields, "files": files})
    return hashlib.sha256(told).hexdigest()


@before_commit
def _leave_mark(session: Session) -> None:
    mark = session.info.pop(COMING, None)
    if mark is None:
        return
    engine = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    row = engine.insert(SentForm).values(mark=mark, at=clock.now())
    session.execute(row.on_conflict_do_nothing(index_elements=["mark"]))
    session.info[LEFT] = True
