"""What a whole community has, for everybody: the items and the figures that hold here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, g, render_template

from app.communities import settings, standards
from app.communities import standard_words as words
from app.core import guard

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask.typing import ResponseReturnValue

    from app.communities.settings import Shown
    from app.communities.standards import Figure

bp = Blueprint("standards", __name__)


@bp.get("/c/<code>/standard")
@guard.public
def show(code: str) -> ResponseReturnValue:  # noqa: ARG001 -- the guard read it
    """Show the six groups and 20 items, each figure that holds here and who set it."""
    held = {one.setting.key: one for one in settings.shown(g.place)}
    return render_template(
        "communities/standard.html",
        place=g.place,
        groups=[
            (words.group_name(group), [_item(item, held) for item in standards.items_of(group)])
            for group in standards.GROUPS
        ],
    )


def _item(item: str, held: Mapping[str, Shown]) -> dict[str, object]:
    return {
        "name": words.item_name(item),
        "about": words.item_about(item),
        "figures": [_figure(one, held[one.key]) for one in standards.figures_of(item)],
    }


def _figure(one: Figure, shown: Shown) -> dict[str, str]:
    return {
        "name": words.figure_name(one.key),
        "asked": words.bound_text(one, int(shown.held.value)),
        "only": words.only_text(one),
        "origin": words.origin_text(one, shown),
    }
