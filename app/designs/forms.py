"""The shape of a proposal as the designer types it: up to three alternatives on one page."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import FormField, HiddenField, RadioField, StringField, TextAreaField
from wtforms.form import Form
from wtforms.validators import InputRequired, Length, ValidationError

from app.core.words import fen_from
from app.designs.rules import LONGEST, Plan

OFFERED = 3


class PlanForm(Form):
    """One alternative; left empty it is not there."""

    title = StringField(_l("名称"), validators=[Length(max=120)])
    summary = TextAreaField(_l("怎么做，用大白话"), validators=[Length(max=LONGEST)])
    cost = StringField(_l("造价（元）"), validators=[Length(max=20)])
    upkeep = StringField(_l("每年维护（元）"), validators=[Length(max=20)])
    serves = TextAreaField(_l("适合谁"), validators=[Length(max=LONGEST)])
    gives_up = TextAreaField(_l("放弃什么"), validators=[Length(max=LONGEST)])
    picture = FileField(_l("图（JPG、PNG）"))

    def is_empty(self) -> bool:
        """Whether nothing was typed."""
        fields = (self.title, self.summary, self.cost, self.upkeep, self.serves, self.gives_up)
        return not any((field.data or "").strip() for field in fields)

    def validate_upkeep(self, field: StringField) -> None:
        """Refuse an amount nobody can read; that there is none is said by a 0."""
        if not self.is_empty() and fen_from(field.data or "") is None:
            raise ValidationError(_("请写每年维护要花多少元，只写数字；不用花钱的，写 0。"))

    def plan(self) -> Plan:
        """Give the alternative as typed."""
        return Plan(
            self.title.data or "",
            self.summary.data or "",
            _fen(self.cost.data or ""),
            _fen(self.upkeep.data or ""),
            self.serves.data or "",
            self.gives_up.data or "",
        )


def _fen(typed: str) -> int:
    """An amount as typed; what is none becomes less than nothing, which the rules refuse."""
    amount = fen_from(typed)
    return -1 if amount is None else amount


class ProposalForm(FlaskForm):
    """A proposal: for which project, and its alternatives."""

    title = StringField(
        _l("方案名称"), validators=[InputRequired(_l("请写方案名称")), Length(max=120)]
    )
    project = RadioField(_l("为哪个项目"), validators=[InputRequired(_l("请选一个项目"))])
    a = FormField(PlanForm, _l("方案 %(letter)s", letter="A"))
    b = FormField(PlanForm, _l("方案 %(letter)s", letter="B"))
    c = FormField(PlanForm, _l("方案 %(letter)s", letter="C"))
    once = HiddenField(validators=[Length(max=40)])

    def plans(self) -> list[tuple[int, PlanForm]]:
        """Give the alternatives that were filled in, each with its place on the form."""
        forms = (self.a.form, self.b.form, self.c.form)
        return [(place, one) for place, one in enumerate(forms) if not one.is_empty()]


class RevisionForm(ProposalForm):
    """A new revision: what changed, and because of which opinion."""

    project = None
    title = None
    what = TextAreaField(
        _l("这一版改了什么"),
        validators=[InputRequired(_l("请写这一版改了什么")), Length(max=LONGEST)],
    )
    because = RadioField(_l("根据哪条意见改的"), default="")


class DecideForm(FlaskForm):
    """Why a proposal is returned."""

    note = StringField(_l("退回的理由"), validators=[Length(max=300)])


class PostponeForm(FlaskForm):
    """Why a session is put off; the rules say what is missing."""

    note = TextAreaField(_l("为什么延期（公开）"), validators=[Length(max=LONGEST)])
