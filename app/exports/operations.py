"""Taking records out of the house: each export is signed up to its end and noted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from app.core.db import db, transaction
from app.core.record import checkpoint
from app.exports import archive, dossier, poll_report, queries, workbooks
from app.people.steps import security
from app.policy.table import Permission, require

if TYPE_CHECKING:
    from app.communities.queries import CommunityView
    from app.core.actor import Actor


@dataclass(frozen=True, slots=True)
class Export:
    """The name of an archive, and how many entries it holds."""

    name: str
    size: int


def export_record(actor: Actor, *, community: CommunityView, out: IO[bytes]) -> Export:
    """Sign the log as it stands and write its verifiable archive to `out`.

    Raises: NotAllowed. The archive holds no name, no phone, and no choice of a running poll.
    """
    with transaction() as session:
        require(actor, Permission.RECORD_EXPORT, community.place)
        checkpoint(session, community.id)
        security(
            session,
            "record.exported",
            community_id=community.id,
            person_id=actor.person_id,
        )
    log = queries.log_of(community.id)
    # Entries written meanwhile belong to the next export.
    size = queries.newest_checkpoint(community.id)
    archive.write_archive(out, community.id, log.code, size)
    db.session.rollback()
    return Export(f"record-{log.code}-{size}.zip", size)


def export_poll(actor: Actor, *, community: CommunityView, poll_id: str, form: str) -> bytes:
    """One poll's record as `.xlsx` or `.csv`. Raises: NotAllowed, NotFound."""
    with transaction() as session:
        require(actor, Permission.RECORD_EXPORT, community.place)
        security(
            session,
            "poll.exported",
            community_id=community.id,
            person_id=actor.person_id,
            poll=poll_id,
        )
    tables = poll_report.of_poll(community.id, poll_id)
    return workbooks.as_workbook(tables) if form == ".xlsx" else workbooks.as_csv(tables)


def export_dossier(actor: Actor, *, community: CommunityView, topic_id: str) -> bytes:
    """Put a topic's dossier together as an archive. Raises: NotAllowed, NotFound."""
    with transaction() as session:
        require(actor, Permission.RECORD_EXPORT, community.place)
        security(
            session,
            "dossier.exported",
            community_id=community.id,
            person_id=actor.person_id,
            topic=topic_id,
        )
    made = dossier.archive(community, topic_id)
    db.session.rollback()
    return made
