"""What the pages and the command line add alike, so that the same sent twice is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.communities import operations as communities
from app.communities.queries import community_by_code
from app.core.errors import RuleBroken
from app.starting import queries

if TYPE_CHECKING:
    from app.core.actor import Actor


def ensure_community(actor: Actor, new: communities.NewCommunity) -> int:
    """Set a community up and give its id; one of the same code and name is kept as it is.

    Raises: RuleBroken place.code_shape, place.code_taken.
    """
    try:
        return communities.add_community(actor, new)
    except RuleBroken as error:
        if error.code != "place.code_taken" or not queries.same_community(new.code, new.name):
            raise
        return community_by_code(new.code).id
