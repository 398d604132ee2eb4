"""Whose authority it is that somebody reads or fills in a form for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.core.errors import NotFound
from app.voting import proxies, tokens

if TYPE_CHECKING:
    from app.core.actor import Actor
    from app.voting.proxies import Held


def held_by_reader(actor: Actor, community_id: int, proxy_id: int) -> Held:
    """An authority that the reader's household holds. Raises: NotFound."""
    proxy, home = proxies.look(community_id, proxy_id), actor.home_in(community_id)
    if home is None or proxy.holder_household_id != home.household_id:
        raise NotFound("proxy")
    return proxy


def binding(actor: Actor, proxy: Held) -> tokens.Binding:
    """What a form serves: this session, this poll, the household it is for."""
    session_id = actor.session_id or 0
    return tokens.Binding(session_id, proxy.community_id, proxy.public_id, proxy.household_id)
