"""The shape of what is typed about meetings."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import IntegerField, RadioField, StringField, TextAreaField
from wtforms.fields import DateTimeLocalField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from app.meetings import words
from app.meetings.rules import LONGEST_MINUTES, MOST_PLACES, AgeBand

BANDS = [SelectChoice(band.value, text) for band, text in words.BANDS.items()]
LOCAL_TIME = "%Y-%m-%dT%H:%M"


class MeetingForm(FlaskForm):
    """Everything a notice says. Times are typed as people in China say them."""

    title = StringField(_l("会议名称"), validators=[InputRequired(), Length(max=200)])
    starts_at = DateTimeLocalField(_l("开会时间"), format=LOCAL_TIME, validators=[InputRequired()])
    place = StringField(_l("地点"), validators=[InputRequired(), Length(max=200)])
    capacity = IntegerField(
        _l("座位数"), validators=[InputRequired(), NumberRange(min=1, max=MOST_PLACES)]
    )
    held = IntegerField(
        _l("其中留给服务台的"),
        description=_l("给没有手机的居民，由服务台登记。"),
        default=0,
        validators=[InputRequired(), NumberRange(min=0, max=MOST_PLACES)],
    )
    quorum = IntegerField(
        _l("至少到多少人才能开"), validators=[Optional(), NumberRange(min=1, max=MOST_PLACES)]
    )
    chair = StringField(_l("主持人"), validators=[InputRequired(), Length(max=80)])
    recorder = StringField(_l("记录人"), validators=[InputRequired(), Length(max=80)])
    agenda = TextAreaField(
        _l("议程"),
        description=_l("一行一项：内容｜谁来讲｜分钟数。"),
        validators=[InputRequired(), Length(max=4000)],
    )
    materials = TextAreaField(
        _l("会议材料"), description=_l("一行一份。"), validators=[Length(max=2000)]
    )


class CheckInForm(FlaskForm):
    """An age band, and at the desk how somebody is called."""

    band = RadioField(_l("年龄段"), choices=BANDS, default=AgeBand.UNSAID.value)
    label = StringField(_l("怎么称呼"), validators=[Length(max=40)])


class MinutesForm(FlaskForm):
    """The minutes."""

    text = TextAreaField(
        _l("会议纪要"),
        description=_l(
            "写议了什么、有哪些不同意见、谁去办。不写发言人的名字，写身份，如“一区业主代表”。"
        ),
        validators=[InputRequired(_l("请写纪要")), Length(max=LONGEST_MINUTES)],
    )
