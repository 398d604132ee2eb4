"""The shape of what is typed about bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from app.bodies import words
from app.bodies.operations import BodyText, NewActing
from app.bodies.rules import LONGEST_CONTACT, LONGEST_NAME, LONGEST_WORD, Kind
from app.core import clock
from app.core.form_words import nobody_yet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.bodies.queries import BodyView, Candidate
    from app.bodies.steps import Scoped


# What stands for the whole community, whose scope is empty.
WHOLE = "community"


class BodyForm(FlaskForm):
    """A body that takes part."""

    kind = RadioField(_l("是哪一类"), validators=[InputRequired(_l("请选一类"))])
    name = StringField(
        _l("名称"),
        description=_l("单位的全称，谁都看得到。不写个人的姓名。"),
        validators=[InputRequired(_l("请写名称")), Length(max=LONGEST_NAME)],
    )
    contact = StringField(
        _l("公开的联系方式"),
        description=_l("单位自己愿意公开的电话或者地点，谁都看得到。没有就空着。"),
        validators=[Length(max=LONGEST_CONTACT)],
    )
    since = DateField(_l("从哪天起参加"), validators=[InputRequired(_l("请写从哪天起"))])

    def offer(self) -> None:
        """Fill in the sorts of bodies, in the reader's language."""
        self.kind.choices = [SelectChoice(kind.value, words.kind_name(kind)) for kind in Kind]

    def show(self, body: BodyView) -> None:
        """Begin with what is said of a body now."""
        self.kind.data, self.name.data, self.contact.data = body.kind.value, body.name, body.contact
        self.since.data = clock.day_of(body.since)

    @property
    def said(self) -> BodyText:
        """The body as typed."""
        begins = clock.bounds_of_day(self.since.data)[0]
        return BodyText(Kind(self.kind.data), self.name.data or "", begins, self.contact.data or "")


class WordForm(FlaskForm):
    """Why something ends."""

    word = TextAreaField(
        _l("为什么"),
        description=_l("不公开，只给查记录的人核对。不写姓名。"),
        validators=[Length(max=LONGEST_WORD)],
    )


class ActingForm(FlaskForm):
    """Who is to act for a body, in what, and until when."""

    # Whom the page did not offer, oneself before all, is refused by the operation, which notes it.
    person = SelectField(
        _l("谁"),
        coerce=nobody_yet,
        validators=[InputRequired(_l("请选一位"))],
        validate_choice=False,
    )
    called = StringField(
        _l("怎么称呼"),
        description=_l("如“3 号楼王阿姨”，只有工作人员看得到。"),
        validators=[Length(max=40)],
    )
    scope = SelectField(
        _l("代表它办什么"),
        validate_choice=False,
        validators=[InputRequired(_l("请选代表它办什么"))],
    )
    until = DateField(_l("到哪天为止"), validators=[InputRequired(_l("请写到哪天为止"))])
    ground = TextAreaField(
        _l("单位是怎么定的"),
        description=_l("如“业委会 5 月 8 日会议定的，有来函”。不写住户的姓名和门牌。"),
        validators=[InputRequired(_l("请写单位是怎么定的")), Length(max=LONGEST_WORD)],
    )

    def offer(self, candidates: Sequence[Candidate], scopes: Sequence[Scoped]) -> None:
        """Fill in who can be chosen, and for what."""
        # Nobody is given it by not choosing.
        nobody = SelectChoice("", _("请选"))
        self.person.choices = [nobody, *(SelectChoice(p.person_id, p.called) for p in candidates)]
        sorts = {
            "topic": _("议题"),
            "project": _("项目"),
            "meeting": _("会议"),
            "shared": _("街道协商"),
        }
        # Nobody is given the widest by not choosing.
        whole = [SelectChoice("", _("请选")), SelectChoice(WHOLE, _("整个社区的事"))]
        self.scope.choices = whole + [
            SelectChoice(
                one.thing,
                _("%(sort)s：%(title)s", sort=sorts[one.thing.partition(":")[0]], title=one.title),
            )
            for one in scopes
            if one.goes_on
        ]

    @property
    def ends_at(self) -> datetime:
        """The moment after the last day."""
        return clock.bounds_of_day(self.until.data)[1]

    def new(self, resident: int | None) -> NewActing:
        """Give what was typed; `resident` is who was come to by their household's page."""
        return NewActing(
            person_id=resident or self.person.data or 0,
            ends_at=self.ends_at,
            ground=self.ground.data or "",
            scope="" if self.scope.data == WHOLE else self.scope.data or "",
            called=(self.called.data or "") if resident else "",
        )
