"""The shape of what is typed about topics."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import MultipleFileField
from wtforms import DateField, HiddenField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from app.consultations import words
from app.consultations.rules import LONGEST_TEXT
from app.meetings.forms import MeetingForm


class ProposalForm(FlaskForm):
    """A resident's proposal."""

    title = StringField(
        _l("想商量什么事"),
        description=_l("一句话，比如“6 号楼东侧的消防通道被车堵住”。"),
        validators=[InputRequired(_l("请写一句话")), Length(max=120)],
    )
    background = TextAreaField(
        _l("说说情况"),
        description=_l("什么问题、影响谁、您希望怎样。请不要写别人的姓名和电话。"),
        validators=[InputRequired(_l("请说说情况")), Length(max=LONGEST_TEXT)],
    )
    photos = MultipleFileField(
        _l("照片"), description=_l("附上现场照片更清楚，最多 3 张。"), validators=[Optional()]
    )
    once = HiddenField(validators=[Length(max=40)])


class DescribeForm(FlaskForm):
    """What the committee puts to a topic."""

    question = TextAreaField(
        _l("要商量的问题"), validators=[InputRequired(), Length(max=LONGEST_TEXT)]
    )
    parties = TextAreaField(
        _l("请哪些人来"), description=_l("一行一方。"), validators=[Length(max=1000)]
    )
    legal_note = TextAreaField(_l("法律上的说明"), validators=[Length(max=1000)])


class NoteForm(FlaskForm):
    """A word of explanation."""

    note = TextAreaField(_l("说明"), validators=[Length(max=LONGEST_TEXT)])


class MergeForm(NoteForm):
    """Which topic it is handled with."""

    into = RadioField(_l("并入哪个议题"), validators=[InputRequired(_l("请选一个议题"))])


class AgendaForm(MeetingForm):
    """The agenda: a meeting and its form."""

    form = RadioField(
        _l("形式"),
        choices=[SelectChoice(form.value, text) for form, text in words.FORMS.items()],
        validators=[InputRequired(_l("请选一种形式"))],
    )


class OpinionForm(FlaskForm):
    """What the session came to."""

    opinion = TextAreaField(
        _l("协商意见"), validators=[InputRequired(_l("请写协商意见")), Length(max=LONGEST_TEXT)]
    )
    dissent = TextAreaField(
        _l("保留意见"),
        description=_l("不同意的人怎么说，照实写。"),
        validators=[Length(max=LONGEST_TEXT)],
    )


class WorkForm(FlaskForm):
    """Who carries it out, until when."""

    owner = StringField(_l("谁来办"), validators=[InputRequired(), Length(max=120)])
    due = DateField(_l("哪天办完"), validators=[InputRequired()])


class ProjectLinkForm(FlaskForm):
    """Which project it led to."""

    project = RadioField(_l("关联到哪个项目"), validators=[InputRequired(_l("请选一个项目"))])
