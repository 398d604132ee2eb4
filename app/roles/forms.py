"""The shape of what is typed about roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from app.core import clock
from app.core.actor import Role
from app.core.form_words import nobody_yet
from app.core.times import time_text
from app.policy.roles import LONGEST_WORD, TERMS, Scope, group_scope
from app.roles.operations import Decision
from app.roles.proposing import NewProposal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from app.communities.queries import BuildingView
    from app.roles.queries import Candidate


class UntilForm(FlaskForm):
    """A person, a last day and a reason."""

    # Whom the page did not offer, oneself before all, is refused by the operation, which notes it.
    person = SelectField(
        _l("谁"),
        coerce=nobody_yet,
        validators=[InputRequired(_l("请选一位"))],
        validate_choice=False,
    )
    until = DateField(_l("到哪天为止"), validators=[InputRequired(_l("请写到哪天为止"))])
    reason = TextAreaField(
        _l("理由"),
        description=_l("写推选或者商定的经过，不写住户的姓名和门牌。只给确认的人看。"),
        validators=[InputRequired(_l("请写一句理由")), Length(max=LONGEST_WORD)],
    )

    def offer(self, candidates: Sequence[Candidate]) -> None:
        """Fill in who can be chosen."""
        # Nobody is named by not choosing.
        nobody = SelectChoice("", _("请选"))
        self.person.choices = [nobody, *(SelectChoice(p.person_id, p.called) for p in candidates)]

    @property
    def ends_at(self) -> datetime:
        """The moment after the last day."""
        return clock.bounds_of_day(self.until.data)[1]


class ProposeForm(UntilForm):
    """A role for somebody; which fields are shown depends on the role."""

    called = StringField(
        _l("怎么称呼"),
        description=_l("如“3 号楼王阿姨”，只有工作人员看得到。"),
        validators=[Length(max=40)],
    )
    meeting = SelectField(_l("哪个会"), validate_choice=False)
    buildings = SelectMultipleField(
        _l("代表哪些楼"),
        coerce=int,
        validate_choice=False,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )

    def offer_meetings(self, coming: Sequence[tuple[str, str, datetime]]) -> None:
        """Fill in the meetings that have not ended."""
        self.meeting.choices = [
            SelectChoice(scope, _("%(title)s（%(at)s）", title=title, at=time_text(at)))
            for scope, title, at in coming
        ]

    def offer_buildings(self, buildings: Sequence[BuildingView]) -> None:
        """Fill in the buildings with their households."""
        self.buildings.choices = [
            SelectChoice(
                one.id,
                _(
                    "%(name)s（%(homes)s 户）",
                    name=f"{one.estate} " + _("%(name)s 号楼", name=one.name),
                    homes=one.households,
                ),
            )
            for one in buildings
        ]

    def new(self, role: Role, resident: int | None) -> NewProposal:
        """Give the proposal as typed; `resident` is who was come to by their household's page."""
        kind = TERMS[role].scope
        scope = {
            Scope.COMMUNITY: "",
            Scope.MEETING: self.meeting.data or "meeting:",
            Scope.GROUP: group_scope(self.buildings.data or ()),
        }[kind]
        return NewProposal(
            role=role,
            person_id=resident or self.person.data or 0,
            ends_at=self.ends_at,
            reason=self.reason.data or "",
            scope=scope,
            called=(self.called.data or "").strip() if resident else "",
        )


class DecideForm(FlaskForm):
    """Yes or no, with a word."""

    verdict = RadioField(
        _l("您的决定"),
        choices=[
            SelectChoice("give", _l("同意，从现在起生效")),
            SelectChoice("refuse", _l("不同意")),
        ],
        validators=[InputRequired(_l("请选同意或者不同意"))],
    )
    word = TextAreaField(
        _l("说一句"),
        description=_l("不同意的请写为什么，提名的人看得到。"),
        validators=[Length(max=LONGEST_WORD)],
    )

    @property
    def decision(self) -> Decision:
        """The decision as typed."""
        return Decision(self.verdict.data == "give", self.word.data or "")


class EndForm(FlaskForm):
    """Why a role ends."""

    word = TextAreaField(_l("为什么结束"), validators=[Length(max=LONGEST_WORD)])
