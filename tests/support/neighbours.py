"""Two communities with one thing of every sort: made once, copied for each test that asks."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from sqlalchemy import select

from app.assisting import operations as assisting
from app.assisting import outreach, proxying, reaching_out
from app.assisting.reaching_out import Wished
from app.assisting.rules import Asked, Checked, PartOfDay, VisitPurpose
from app.attachments.models import Attachment
from app.communities import operations as communities
from app.config import ROOT
from app.consultations.rules import State
from app.core import clock, images
from app.core.actor import SYSTEM, WITHOUT_ACCOUNT, Role
from app.core.db import db
from app.correcting import operations as correcting
from app.correcting.models import CorrectionRequest
from app.correcting.rules import What
from app.designs import operations as designs
from app.designs.rules import Plan
from app.meetings import operations as meetings
from app.meetings import parties
from app.meetings.models import MeetingParty, Seat
from app.people import member_queries, memberships
from app.people.models import RoleGrant
from app.portal.demo import small_project
from app.projects import operations as projects
from app.projects.rules import Stage
from app.ratings import operations as ratings
from app.roles import operations as roles
from app.roles.proposing import NewProposal
from app.sharing import operations as sharing
from app.sharing import queries as shared_queries
from app.sharing import saying as shared_saying
from app.sharing.models import SharedOpinion
from app.voting import operations as voting
from app.voting.proxies import NewProxy
from app.voting.proxy_rules import Seen
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from app.core.actor import Actor
    from tests.support.world import Place

ROLES = (
    None,
    Role.RESIDENT,
    Role.CLERK,
    Role.COMMITTEE,
    Role.SUPERVISOR,
    Role.DESIGNER,
    Role.COMMITTEE_CHAIR,
    Role.OWNER,
    Role.REPRESENTATIVE,
    Role.MEETING_CHAIR,
    Role.MEETING_RECORDER,
    Role.BODY,
    Role.SUBDISTRICT,
    Role.DISTRICT,
    Role.CITY,
    Role.ADMINISTRATOR,
)
# The first letter of the codes of a test's places above.
AREAS = {Role.DISTRICT: "D", Role.CITY: "C"}
NAMES = (
    "poll_id",
    "household_id",
    "upload_id",
    "project_code",
    "public_id",
    "topic_id",
    "meeting_id",
    "post_id",
    "design_id",
    "repair_id",
    "seat_id",
    "member_id",
    "lift_id",
    "shared_id",
    "opinion_id",
    "grant_id",
    "proposal_id",
    "visit_id",
    "body_id",
    "acting_id",
    "party_id",
    "proxy_id",
    "request_id",
    "home_visit_id",
    "correction_id",
)
DATABASE = "linyi.sqlite3"
RATERS = 5
# How the phones of a community begin, so that one can tell whose a phone is.
PHONES = {"YYL": "1999"}


def things(world: World, code: str) -> dict[str, object]:
    """One thing of every sort in a community, by the name that addresses give it."""
    place = world.community(code, RATERS, phones=PHONES.get(code, "1000"))
    project = world.project(place, f"P{code}")
    topic = world.topic(place, title=f"{code}的议题")
    meeting = world.meeting(place, topic)
    poll = world.poll(place, (project,))
    return {
        "code": code,
        "jurisdiction": f"S{code}",
        "key": "publication_days",
        **lifted(world, place),
        "topic_id": topic,
        "meeting_id": meeting,
        "post_id": world.post(place, f"topic:{topic}"),
        "door_key": "no-key",
        "seat_id": seat(world, place, meeting),
        "member_id": member(world, place),
        "role": Role.DESIGNER.value,
        **role(world, place),
        **body(world, place, meeting),
        "visit_id": assisting.begin_visit(
            world.clerk(place),
            community_id=place.id,
            household_id=place.households[1],
            checked=Checked.KNOWN,
            present=True,
        ),
        "correction_id": correction(world, place),
        "to": "archived",
        "number": world.milestone(place, project),
        "article": 1,
        "option": f"{project}.1",
        "design_id": design(world, place, project),
        "verdict": "publish",
        "letter": "A",
        "poll_id": poll,
        **without_phone(world, place, poll),
        "household_id": place.households[0],
        "upload_id": communities.upload_roll(
            SYSTEM,
            community_id=place.id,
            data="小区,楼栋,房号\n一,1,1\n".encode(),
            file_name="a.csv",
        ),
        "project_code": project,
        "public_id": picture(place),
        "size": "large",
        "what": "yes_no",
        # Last, for it lets a week pass in the community's log.
        "repair_id": repair(world, place),
        "place": place,
    }


def without_phone(world: World, place: Place, poll: str) -> dict[str, object]:
    """An authority, a request for paper, and a visit to come, all of other households."""
    clerk, asking = world.clerk(place), place.households[3]
    giver, holder = place.households[2:4]
    proxy = proxying.enter_proxy(
        clerk,
        community_id=place.id,
        new=NewProxy(poll, giver, holder, "", "WT-1", Seen.PRESENT),
    )
    reaching_out.ask_paper(
        clerk, community_id=place.id, household_id=asking, public_id="", asked=Asked.DESK
    )
    wished = Wished(VisitPurpose.VOTE, PartOfDay.ANY)
    reaching_out.ask_visit(
        clerk, community_id=place.id, household_id=asking, wished=wished, asked=Asked.DESK
    )
    return {
        "proxy_id": proxy,
        "request_id": outreach.wanted(place.id)[0].id,
        "home_visit_id": outreach.visits_to_come(place.id)[0].id,
    }


def lifted(world: World, place: Place) -> dict[str, object]:
    """A topic that waits for the subdistrict, one that it shares, and an opinion on that."""
    clerk, officer = world.clerk(place), world.staff(place, Role.SUBDISTRICT).actor
    for title in (f"{place.code}上街的路", f"{place.code}下街的路"):
        topic = world.topic(place, State.SCREENING, title)
        sharing.lift_topic(clerk, community_id=place.id, topic_id=topic, reason="一起办")
    first, second = shared_queries.waiting_lifts(place.street_id)
    new = sharing.NewShared(
        (first.public_id,), (place.code,), f"{place.code}的路", "坏了。", "怎么修？"
    )
    shared = sharing.share_topic(officer, jurisdiction_id=place.street_id, new=new)
    shared_saying.write_opinion(
        world.resident(place, 1),
        community_id=place.id,
        shared_id=shared,
        text=f"{place.code}的路修宽一点",
        once="once",
    )
    (opinion,) = db.session.scalars(
        select(SharedOpinion.public_id).where(SharedOpinion.community_id == place.id)
    )
    return {"lift_id": second.public_id, "shared_id": shared, "opinion_id": opinion}


def member(world: World, place: Place) -> int:
    """Somebody who came into the household that addresses name, and whom nobody there knows."""
    known, stranger = world.resident(place), world.resident(place)
    lines = member_queries.members(place.id, place.households[0])
    (found,) = [line.member_id for line in lines if line.person_id == stranger.person_id]
    memberships.contest_member(known, community_id=place.id, member_id=found)
    return found


def correction(world: World, place: Place) -> int:
    """What the household that addresses name asks to have put right."""
    correcting.ask_correction(
        world.resident(place),
        community_id=place.id,
        household_id=place.households[0],
        what=What.PHONE,
        text=f"{place.code}的电话换了",
        once=place.code,
    )
    mine = select(CorrectionRequest.id).where(CorrectionRequest.community_id == place.id)
    return db.session.scalars(mine).one()


def role(world: World, place: Place) -> dict[str, object]:
    """A role that is held, and one that is proposed."""
    until = clock.now() + timedelta(days=30)
    held = world.staff(place, Role.DESIGNER).actor
    proposal = roles.propose_role(
        world.clerk(place),
        community_id=place.id,
        new=NewProposal(
            Role.CLERK, world.staff(place, Role.COMMITTEE).actor.require_person(), until, "人手不够"
        ),
    )
    mine = select(RoleGrant.id).where(RoleGrant.person_id == held.person_id)
    return {"grant_id": db.session.scalars(mine).one(), "proposal_id": proposal}


def body(world: World, place: Place, meeting: str) -> dict[str, object]:
    """A body that is due at a meeting, and somebody who acts for it."""
    name = world.body(place, name=f"{place.code}业主委员会")
    acting = world.acting(place, name, world.resident(place, 2))
    parties.call_body(world.clerk(place), community_id=place.id, meeting_id=meeting, body_id=name)
    due = select(MeetingParty.id).where(MeetingParty.community_id == place.id)
    return {"body_id": name, "acting_id": acting, "party_id": db.session.scalars(due).one()}


def seat(world: World, place: Place, meeting: str) -> int:
    """A place that the desk gave to somebody without a phone."""
    meetings.reserve_at_desk(
        world.clerk(place), community_id=place.id, meeting_id=meeting, label=f"{place.code}王奶奶"
    )
    taken = select(Seat.id).where(Seat.community_id == place.id)
    return db.session.scalars(taken).one()


def design(world: World, place: Place, project: str) -> str:
    """A designer's proposal that waits for the committee's look."""
    plans = tuple(
        designs.Drawn(Plan(title, "步道在外圈。", 1_000_000, 0, "老人慢走", "没有广场"))
        for title in ("环步道", "小广场")
    )
    return designs.post_proposal(
        world.staff(place, Role.DESIGNER).actor,
        community_id=place.id,
        new=designs.NewProposal(project, "口袋公园怎么做", plans),
    )


def picture(place: Place) -> str:
    """The plan of a project."""
    plain = (ROOT / "sample_data" / "pictures" / "P01.png").read_bytes()
    projects.add_project(
        SYSTEM,
        community_id=place.id,
        code=f"Q{place.code}",
        text=small_project(),
        picture=images.repaint(plain),
    )
    stored = select(Attachment.public_id).where(Attachment.community_id == place.id)
    return db.session.scalars(stored).one()


def repair(world: World, place: Place) -> str:
    """The repair of finished work that scored low."""
    code = world.project(place, f"R{place.code}")
    for to in (Stage.BUILD, Stage.MANAGE):
        projects.advance_project(SYSTEM, community_id=place.id, code=code, to=to)
    poll = ratings.start_rating(SYSTEM, community_id=place.id, project_code=code, days=7)
    for voter in world.voters(place, RATERS):
        world.cast(voter, place, poll, *(f"{code}.{n}=0" for n in range(1, 10)))
    with clock.set_to(clock.now() + timedelta(days=8)):
        voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    due = clock.now() + timedelta(days=20)
    new = ratings.NewRepair(f"{code}.2", "换掉松动的地砖", "建工队", due)
    return ratings.open_repair(SYSTEM, community_id=place.id, poll=poll, repair=new)


def sign_in(
    client: CheckedClient, world: World, values: dict[str, object], role: Role | None
) -> None:
    place = values["place"]
    if role is Role.RESIDENT:
        client.enter(world, place, 0)  # type: ignore[arg-type]
    elif role in WITHOUT_ACCOUNT:
        assert role is not None
        client.enter(world, place, 0)  # type: ignore[arg-type]
        world.give(place, role, str(values["meeting_id"]))  # type: ignore[arg-type]
    elif role is not None:
        client.staff(world.staff(place, role))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Neighbours:
    """Two communities under the fixed clock, in a folder with their database and files."""

    folder: Path
    ours: dict[str, object]
    theirs: dict[str, object]
    clerks: dict[int, Actor]
    staff: int

    def copy(self, folder: Path) -> str:
        """Copy all of it for one test; gives the database's address."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return address_in(folder)

    def world(self, app: Flask) -> tuple[World, dict[str, object], dict[str, object]]:
        """The builders of a copy, and the things of both communities."""
        world = World(app)
        world.clerks, world.numbers = dict(self.clerks), count(self.staff)
        return world, dict(self.ours), dict(self.theirs)


def address_in(folder: Path) -> str:
    """Where the database of a test's folder is."""
    return f"sqlite:///{folder / DATABASE}"


def build(app: Flask, folder: Path) -> Neighbours:
    """Fill an empty portal in a folder with both."""
    world = World(app)
    ours, theirs = things(world, "HXL"), things(world, "YYL")
    return Neighbours(folder, ours, theirs, world.clerks, next(world.numbers))
