"""A designer's home: what came back, who waits for an answer, when the next session is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.core.actor import Role
from app.designs import queries as designs
from app.designs.rules import State
from app.designs.words import state_badge
from app.discussion import queries as opinions
from app.meetings import queries as meetings

if TYPE_CHECKING:
    from app.designs.queries import ProposalView
    from app.meetings.queries import MeetingView


@dataclass(frozen=True, slots=True)
class OwnDesign:
    """A proposal of the reader's: its badge, and what it asks of them.

    `unanswered` counts the opinions without their answer; `session` is the next one called.
    """

    proposal: ProposalView
    badge: tuple[str, str]
    unanswered: int
    session: MeetingView | None

    @property
    def coming(self) -> int:
        """How many people have a place in the session, by phone or at the desk."""
        return self.session.taken + self.session.held_taken if self.session is not None else 0

    @property
    def is_returned(self) -> bool:
        """Whether the committee sent it back to be mended."""
        return self.proposal.state is State.RETURNED


def own_designs(community_id: int, person_id: int) -> list[OwnDesign]:
    """A designer's proposals, the newest first; as many statements for ten as for one."""
    proposals = designs.of_designer(community_id, person_id)
    subjects = [one.subject for one in proposals]
    said = opinions.opinions_by_subject(community_id, subjects)
    coming = meetings.coming_about(community_id, subjects)
    return [
        OwnDesign(
            proposal=one,
            badge=state_badge(one.state),
            unanswered=sum(
                not opinion.answered_by(Role.DESIGNER.value)
                for opinion in said.get(one.subject, ())
            ),
            session=coming.get(one.subject),
        )
        for one in proposals
    ]
