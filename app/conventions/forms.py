"""The shape of what is typed about the convention."""

from __future__ import annotations

import re

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.conventions.rules import Article
from app.conventions.words import class_called
from app.core.errors import RuleBroken

LINE = re.compile(r"^(?P<kind>[^|｜]+?)\s*[|｜]\s*(?P<text>.+)$")


class TextForm(FlaskForm):
    """The text of a version: one article a line, `class｜text`."""

    title = StringField(_l("名称"), validators=[InputRequired(_l("请写名称")), Length(max=120)])
    preamble = TextAreaField(
        _l("前言"), validators=[InputRequired(_l("请写前言")), Length(max=1000)]
    )
    articles = TextAreaField(
        _l("条文"),
        description=_l(
            "一行一条：类别｜条文。类别是总则、规范日常行为、维护公共秩序、保障群众权益、"
            "调解群众纠纷、引导民风民俗、附则。序号自动编排。"
        ),
        validators=[InputRequired(_l("请至少写一条")), Length(max=40_000)],
    )

    def parsed(self) -> tuple[Article, ...]:
        """Give the articles as typed. Raises: RuleBroken convention.class."""
        lines = [line.strip() for line in (self.articles.data or "").splitlines() if line.strip()]
        return tuple(_article(number, line) for number, line in enumerate(lines, start=1))


def _article(number: int, line: str) -> Article:
    found = LINE.match(line)
    kind = class_called(found["kind"]) if found else None
    if found is None or kind is None:
        raise RuleBroken("convention.class", number=number)
    return Article(number, kind, found["text"].strip())


class PollForm(FlaskForm):
    """Adoption by a poll."""

    # Which ones there are to choose from is for the view; what may adopt is for the operation.
    poll = RadioField(
        _l("哪一项投票"), validators=[InputRequired(_l("请选一项投票"))], validate_choice=False
    )


class FilingForm(FlaskForm):
    """Filing and publication."""

    filed_with = StringField(
        _l("备案机关"), validators=[InputRequired(_l("请写备案机关")), Length(max=120)]
    )
    filing_number = StringField(
        _l("备案编号"), validators=[InputRequired(_l("请写备案编号")), Length(max=80)]
    )


class SignForm(FlaskForm):
    """A pledge, bound to the text that was read."""

    text_sha256 = HiddenField(validators=[InputRequired(), Length(max=64)])
    drawing = HiddenField(validators=[Length(max=60_000)])
