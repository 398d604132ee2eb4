"""Taking records and papers out of the house: each export is signed up to its end and noted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, BinaryIO

from app.communities import walks
from app.communities.queries import address_of
from app.core.db import db, transaction
from app.core.errors import RuleBroken
from app.core.record import Above, checkpoint
from app.core.times import in_record_language
from app.exports import archive, dossier, papers, poll_report, printing, queries, rules, workbooks
from app.people import codes
from app.people.models import HouseholdNoticeKind
from app.people.steps import security, tell_household
from app.policy.table import Permission, require
from app.voting import participation
from app.voting import queries as voting
from app.voting.rules import Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.communities.queries import AreaView, CommunityView
    from app.core.actor import Actor
    from app.core.record import Tenant
    from app.people.codes import DrawnCode


@dataclass(frozen=True, slots=True)
class Export:
    """The name of an archive, and how many entries it holds."""

    name: str
    size: int


def export_record(actor: Actor, *, community: CommunityView, out: IO[bytes]) -> Export:
    """Sign the log as it stands and write its verifiable archive to `out`.

    Raises: NotAllowed. The archive holds no name, no phone, and no choice of a running poll.
    """
    with transaction(small=True) as session:
        require(actor, Permission.RECORD_EXPORT, community.place)
        checkpoint(session, community.id)
        security(
            session,
            "record.exported",
            community_id=community.id,
            person_id=actor.person_id,
        )
    return _written(out, community.id)


def export_area_record(actor: Actor, *, area: AreaView, out: IO[bytes]) -> Export:
    """The same of the log of a city, district or subdistrict. Raises: NotAllowed."""
    with transaction(small=True) as session:
        require(actor, Permission.AREA_RECORD_EXPORT, area.place)
        checkpoint(session, Above(area.id))
        security(session, "record.exported", person_id=actor.person_id, area=area.code)
    return _written(out, Above(area.id))


def _written(out: IO[bytes], tenant: Tenant) -> Export:
    log = queries.log_of(tenant)
    # Entries written meanwhile belong to the next export.
    size = queries.newest_checkpoint(tenant)
    archive.write_archive(out, tenant, log.code, size)
    db.session.rollback()
    return Export(f"record-{log.code}-{size}.zip", size)


@dataclass(frozen=True, slots=True)
class LettersWanted:
    """A part of the community (see `walks.Part`), and what to do with letters that still work.

    `stamp` is that of the plan somebody was shown; None when nobody was shown any.
    """

    part: str
    have_letter: rules.HaveLetter
    stamp: int | None = None


@dataclass(frozen=True, slots=True)
class PrintedLetters:
    """What a printing came to; `voided` letters worked until then."""

    letters: int
    pages: int
    voided: int


def print_letters(
    actor: Actor,
    *,
    community: CommunityView,
    wanted: LettersWanted,
    out: BinaryIO,
    told: Callable[[int], None] = lambda _done: None,
) -> PrintedLetters:
    """Make letters with new codes, write them to `out`, and only then let the codes count.

    So a printing that breaks off voids nothing. The codes exist in `out` and nowhere else. `told`
    hears how many letters are laid out. Raises: NotAllowed; NotFound for a part of another
    community; RuleBroken letters.none, letters.changed when the stamp is another by now,
    codes.changed when somebody else made letters meanwhile, and those of `rules.plan_letters`.
    """
    require(actor, Permission.LETTERS_PRINT, community.place)
    walk = walks.chosen(walks.homes(community.id), wanted.part)
    drawn = _drawn(community, [home.household_id for home in walk], wanted)
    with in_record_language():
        polls = [one for one in voting.poll_cards(community.id) if one.phase is Phase.OPEN]
        text, sender = papers.letter_text(polls), papers.sender(community)
        # Laying out takes seconds; no transaction waits for it.
        db.session.rollback()
        inside = [home for home in walk if home.household_id in drawn]
        pages = printing.write_letters(sender, text, papers.letters(inside, drawn), out, told)
    # A full disk must say so before old letters are void.
    out.flush()
    with transaction() as session:
        require(actor, Permission.LETTERS_PRINT, community.place)
        voided = codes.put_in_force(session, community.id, list(drawn.values()))
        security(
            session,
            "letters.printed",
            community_id=community.id,
            person_id=actor.person_id,
            part=wanted.part,
            number=len(drawn),
            voided=voided,
        )
    return PrintedLetters(len(drawn), pages, voided)


def print_took_part(actor: Actor, *, community: CommunityView, household_id: int) -> bytes:
    """Certify in which polls a household took part, for a member who asks for it in person.

    It never names a choice. The household is told, so that nobody at the desk looks unseen. Raises:
    NotAllowed, NotFound.
    """
    with transaction() as session:
        require(actor, Permission.CODE_MANAGE, community.place)
        address = address_of(community.id, household_id)
        told = HouseholdNoticeKind.TOOK_PART_PRINTED
        tell_household(session, community.id, household_id, told)
        security(
            session,
            "took_part.printed",
            community_id=community.id,
            person_id=actor.person_id,
        )
    with in_record_language():
        polls = participation.took_part(community.id, household_id)
        made = printing.took_part_pdf(papers.sender(community), papers.took_part(address, polls))
    db.session.rollback()
    return made


def _drawn(
    community: CommunityView, homes: list[int], wanted: LettersWanted
) -> dict[int, DrawnCode]:
    """A code for each letter of the printing, by household."""
    now = codes.codes_now(db.session(), community.id)
    plan = rules.plan_letters(homes, queries.standing(now), wanted.have_letter, demo=community.demo)
    if wanted.stamp not in {None, plan.stamp}:
        raise RuleBroken("letters.changed")
    if not plan.letters:
        raise RuleBroken("letters.none")
    fresh = codes.draw(community.id, (*plan.first, *plan.voided), now, demo=community.demo)
    shown = codes.show_again(community.id, plan.again, now)
    return {one.household_id: one for one in (*fresh, *shown)}


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
    with transaction(small=True) as session:
        require(actor, Permission.RECORD_EXPORT, community.place)
        security(
            session,
            "dossier.exported",
            community_id=community.id,
            person_id=actor.person_id,
            topic=topic_id,
        )
    with in_record_language():
        made = dossier.archive(community, topic_id)
    db.session.rollback()
    return made
