"""The shape of what is typed about topics."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import MultipleFileField
from wtforms import (
    DateField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.consultations import words
from app.consultations.rules import LONGEST_TEXT
from app.core.errors import RuleBroken
from app.core.words import fen_from
from app.discussion.rules import phrases
from app.discussion.words import REASONS
from app.meetings.forms import PEOPLE, MeetingForm, ResolutionForm
from app.meetings.resolutions import Matter, OwnersVote, Share
from app.meetings.words import MATTERS

AREA, HEADS = InputRequired(_l("请写面积")), InputRequired(_l("请写人数"))


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
        _l("要商量的问题"),
        validators=[InputRequired(_l("请写一句要商量什么")), Length(max=LONGEST_TEXT)],
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

    into = RadioField(
        _l("并入哪个议题"), validators=[InputRequired(_l("请选一个议题"))], validate_choice=False
    )


class AgendaForm(MeetingForm):
    """The agenda: a meeting, its form, and what it is about; for another one, why."""

    question = TextAreaField(
        _l("要商量的问题"),
        description=_l("一句话，居民看了知道来商量什么。公告以后不能改。"),
        validators=[InputRequired(_l("请写一句要商量什么")), Length(max=LONGEST_TEXT)],
    )
    reason = TextAreaField(
        _l("为什么再开一次（公开）"),
        validators=[InputRequired(_l("请写为什么再开")), Length(max=LONGEST_TEXT)],
    )

    form = RadioField(
        _l("形式"),
        choices=[SelectChoice(form.value, text) for form, text in words.FORMS.items()],
        validators=[InputRequired(_l("请选一种形式"))],
    )


class CoverTopicForm(FlaskForm):
    """What of a topic is taken out of sight, and why."""

    reason = RadioField(
        _l("理由（公开）"),
        choices=[SelectChoice(reason.value, text) for reason, text in REASONS.items()],
        validators=[InputRequired(_l("请选一个理由"))],
    )
    cover = StringField(
        _l("要遮住的字"),
        description=_l("姓名、门牌之类，照原文抄在这里；几处用顿号隔开。"),
        validators=[Length(max=200)],
    )
    photos = SelectMultipleField(
        _l("要隐藏的照片"), option_widget=CheckboxInput(), widget=ListWidget(), coerce=int
    )

    def phrases(self) -> tuple[str, ...]:
        """Give the phrases as typed."""
        return phrases(self.cover.data or "")


class TopicResolutionForm(ResolutionForm):
    """What a meeting resolved, and when it met."""

    held_on = DateField(_l("哪天开的会"), validators=[InputRequired(_l("请写开会的日子"))])


class OwnersVoteForm(FlaskForm):
    """What the owners decided together, as its organiser announced it."""

    matter = RadioField(
        _l("哪类事项"),
        choices=[SelectChoice(matter.value, text) for matter, text in MATTERS.items()],
        validators=[InputRequired(_l("请选一类"))],
    )
    day = DateField(_l("哪天出的结果"), validators=[InputRequired(_l("请写出结果的日子"))])
    total_area = StringField(_l("专有面积一共（平方米）"), validators=[AREA, Length(max=20)])
    part_area = StringField(_l("参加表决的面积"), validators=[AREA, Length(max=20)])
    favour_area = StringField(_l("同意的面积"), validators=[AREA, Length(max=20)])
    total_heads = IntegerField(_l("业主一共（人）"), validators=[HEADS, PEOPLE])
    part_heads = IntegerField(_l("参加表决的人数"), validators=[HEADS, PEOPLE])
    favour_heads = IntegerField(_l("同意的人数"), validators=[HEADS, PEOPLE])

    def vote(self) -> OwnersVote:
        """Give the numbers as typed. Raises: RuleBroken resolution.area."""
        return OwnersVote(
            Matter(self.matter.data),
            Share(_area(self.total_area.data), self.total_heads.data or 0),
            Share(_area(self.part_area.data), self.part_heads.data or 0),
            Share(_area(self.favour_area.data), self.favour_heads.data or 0),
        )


def _area(typed: str | None) -> int:
    """An area in 0.01 m²; written with two decimals it reads as money does."""
    area = fen_from(typed or "")
    if area is None:
        raise RuleBroken("resolution.area")
    return area


class TakePollForm(FlaskForm):
    """Which published poll is the vote."""

    poll = RadioField(
        _l("哪项投票"), validators=[InputRequired(_l("请选一项投票"))], validate_choice=False
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

    owner = StringField(_l("谁来办"), validators=[InputRequired(_l("请写谁来办")), Length(max=120)])
    due = DateField(_l("哪天办完"), validators=[InputRequired(_l("请写哪天办完"))])


class ProjectLinkForm(FlaskForm):
    """Which project it led to."""

    project = RadioField(
        _l("关联到哪个项目"), validators=[InputRequired(_l("请选一个项目"))], validate_choice=False
    )
