"""The shape of what the portal's own pages take in."""

from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import StringField
from wtforms.validators import Length


class ViewForm(FlaskForm):
    """How somebody wants to read. Fields left out stay as they are."""

    view = StringField(validators=[Length(max=10)])
    text = StringField(validators=[Length(max=3)])
    language = StringField(validators=[Length(max=2)])
    next = StringField(validators=[Length(max=500)])
