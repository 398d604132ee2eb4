"""The shape of what is typed about meetings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    Field,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields import DateTimeLocalField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, StopValidation

from app.bodies.words import named
from app.core import clock
from app.core.errors import RuleBroken
from app.meetings import words
from app.meetings.resolutions import MEETINGS, Body, Resolution
from app.meetings.rules import (
    LONGEST_EXCUSE,
    LONGEST_MINUTES,
    MOST_PLACES,
    AgeBand,
    items_from,
)
from app.meetings.steps import NewMeeting

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from app.bodies.queries import BodyView


class Whole:
    """A whole number in its bounds; whatever is wrong with it, one sentence says what to write."""

    def __init__(self, least: int, most: int) -> None:
        self.least, self.most = least, most

    def __call__(self, _form: FlaskForm, field: Field) -> None:
        """Raise StopValidation with the sentence, in the place of what the field said itself."""
        if field.data is None or not self.least <= field.data <= self.most:
            field.errors = []
            most = f"{self.most:,}"
            raise StopValidation(
                _("请写一个整数，%(least)s 到 %(most)s", least=self.least, most=most)
            )


BANDS = [SelectChoice(band.value, text) for band, text in words.BANDS.items()]
PEOPLE = Whole(0, 100_000)
LOCAL_TIME = "%Y-%m-%dT%H:%M"


class MeetingForm(FlaskForm):
    """Everything a notice says. Times are typed as people in China say them."""

    title = StringField(
        _l("会议名称"), validators=[InputRequired(_l("请写会议名称")), Length(max=200)]
    )
    starts_at = DateTimeLocalField(
        _l("开会时间"), format=LOCAL_TIME, validators=[InputRequired(_l("请写开会的日子和钟点"))]
    )
    place = StringField(_l("地点"), validators=[InputRequired(_l("请写在哪里开")), Length(max=200)])
    capacity = IntegerField(
        _l("座位数"), validators=[InputRequired(_l("请写有多少座位")), Whole(1, MOST_PLACES)]
    )
    held = IntegerField(
        _l("其中留给服务台的"),
        description=_l("给没有手机的居民，由服务台登记。"),
        default=0,
        validators=[InputRequired(_l("请写留几个，不留写 0")), Whole(0, MOST_PLACES)],
    )
    quorum = IntegerField(_l("至少到多少人才能开"), validators=[Optional(), Whole(1, MOST_PLACES)])
    chair = StringField(_l("主持人"), validators=[InputRequired(_l("请写谁主持")), Length(max=80)])
    recorder = StringField(
        _l("记录人"), validators=[InputRequired(_l("请写谁记录")), Length(max=80)]
    )
    agenda = TextAreaField(
        _l("议程"),
        description=_l("一行一项：内容｜谁来讲｜分钟数。"),
        validators=[InputRequired(_l("请写议程，至少一行")), Length(max=4000)],
    )
    materials = TextAreaField(
        _l("会议材料"), description=_l("一行一份。"), validators=[Length(max=2000)]
    )

    def meeting(self, form: str) -> NewMeeting:
        """Give the meeting as typed; `form` is how people sit together, in words.

        Raises: RuleBroken meeting.item, meeting.no_agenda, meeting.in_the_past.
        """
        typed = self.starts_at.data
        if typed is None:
            raise RuleBroken("meeting.in_the_past")
        lines = (self.materials.data or "").splitlines()
        return NewMeeting(
            subject="",
            title=(self.title.data or "").strip(),
            form=form,
            place=(self.place.data or "").strip(),
            starts_at=clock.at_local(typed.year, typed.month, typed.day, typed.hour, typed.minute),
            capacity=self.capacity.data or 0,
            held=self.held.data or 0,
            quorum=self.quorum.data,
            chair=(self.chair.data or "").strip(),
            recorder=(self.recorder.data or "").strip(),
            items=items_from(self.agenda.data or ""),
            materials=tuple(line.strip() for line in lines if line.strip()),
        )


class CheckInForm(FlaskForm):
    """An age band, and at the desk how somebody is called."""

    band = RadioField(_l("年龄段"), choices=BANDS, default=AgeBand.UNSAID.value)
    label = StringField(_l("怎么称呼"), validators=[Length(max=40)])
    once = HiddenField(validators=[Length(max=40)])


class PartyForm(FlaskForm):
    """Whether a party comes or came, and why not."""

    said = HiddenField(validators=[Length(max=10)])
    reason = StringField(
        _l("为什么没有来"),
        description=_l("公开的，不写个人的姓名。"),
        validators=[Length(max=LONGEST_EXCUSE)],
    )


class CallForm(FlaskForm):
    """A body to be due at a meeting."""

    body = SelectField(_l("请哪个单位来"), validators=[InputRequired(_l("请选一个单位"))])

    def offer(self, listed: Sequence[BodyView], called: Collection[str]) -> None:
        """Fill in the bodies that take part and are not due yet."""
        self.body.choices = [
            SelectChoice(one.public_id, named(one.name, one.kind))
            for one in listed
            if one.closed_at is None and one.public_id not in called
        ]


class CloseForm(FlaskForm):
    """Ending a meeting; the tick is asked for where too few people came."""

    without_quorum = BooleanField(_l("按人数不够结束，不作为协商结果"))


class ResolutionForm(FlaskForm):
    """A meeting's resolution."""

    body = RadioField(
        _l("由哪个会议表决"),
        choices=[
            SelectChoice(body.value, text)
            for body, text in words.BODIES.items()
            if body in MEETINGS
        ],
        validators=[InputRequired(_l("请选一个会议"))],
    )
    base = IntegerField(
        _l("应到"),
        description=_l("居民会议填 18 周岁以上居民数或户数，居民代表会议填成员数。"),
        validators=[InputRequired(_l("请写应到多少")), PEOPLE],
    )
    representatives = IntegerField(
        _l("其中居民代表"),
        description=_l("只有居民代表会议要填。"),
        validators=[Optional(), PEOPLE],
    )
    present = IntegerField(_l("到会"), validators=[InputRequired(_l("请写到了多少")), PEOPLE])
    in_favour = IntegerField(_l("同意"), validators=[InputRequired(_l("请写多少同意")), PEOPLE])

    def resolution(self) -> Resolution:
        """Give the numbers as typed."""
        return Resolution(
            Body(self.body.data),
            self.base.data or 0,
            self.present.data or 0,
            self.in_favour.data or 0,
            self.representatives.data or 0,
        )


class MinutesForm(FlaskForm):
    """The minutes."""

    text = TextAreaField(
        _l("会议纪要"),
        description=_l(
            "写议了什么、有哪些不同意见、谁去办。不写发言人的名字，写身份，如“一区业主代表”。"
        ),
        validators=[InputRequired(_l("请写纪要")), Length(max=LONGEST_MINUTES)],
    )
