"""Reads of uploads, of what the roll keeps, and of owner sets, as frozen values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import aliased

from app.communities import roll_reading, rules, staging
from app.communities.addresses import address_short
from app.communities.models import (
    Decision,
    Household,
    LineState,
    OwnerSet,
    OwnerSetUnit,
    RollAbsence,
    RollLine,
    RollPiece,
    RollUpload,
    UploadState,
)
from app.communities.queries import addresses_of
from app.core.db import db
from app.core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.communities.roll_reading import Column

PAGE = 50
SETS_PAGE = 20


@dataclass(frozen=True, slots=True)
class SheetView:
    """A sheet to choose from; `readable` when it has a header that could be a roll's."""

    position: int
    name: str
    hidden: bool
    rows: int
    readable: bool


@dataclass(frozen=True, slots=True)
class UploadView:
    """An upload: how far it is, what its columns hold, what bringing it in would do."""

    id: int
    public_id: str
    file_name: str
    state: UploadState
    sheets: tuple[SheetView, ...]
    sheet: SheetView | None
    done: int
    total: int
    counts: dict[str, int]
    columns: tuple[Column, ...]
    warnings: dict[str, int]
    totals: int
    dropped: tuple[str, ...]
    id_numbers: tuple[str, ...]
    estate: str
    # Words for the use of a unit that mean nothing here, the first few of them.
    uses: tuple[str, ...]

    @property
    def unknown(self) -> tuple[Column, ...]:
        """The columns whose meaning somebody may say by hand."""
        return tuple(c for c in self.columns if c.origin in {"unknown", "mapped", "unused"})

    @property
    def missing(self) -> tuple[str, ...]:
        """Fields worth having that no column holds."""
        held = {column.field for column in self.columns}
        return tuple(name for name in ("household_head", "phone") if name not in held)

    @property
    def lacking(self) -> tuple[str, ...]:
        """Required fields that no column holds."""
        return tuple(roll_reading.lacking(self.columns, self.estate))

    @property
    def asks_estate(self) -> bool:
        """Whether no column says in which estate the rows are."""
        return "estate" in roll_reading.lacking(self.columns)

    @property
    def held_back(self) -> int:
        """Rows that are not brought in as things stand."""
        return self.counts.get("refused", 0) + self.counts.get("held", 0)

    @property
    def asked(self) -> int:
        """Households whose place on the roll is asked about before anything happens to it."""
        return sum(self.counts.get(str(decision), 0) for decision in Decision)

    @property
    def taken(self) -> int:
        """Of these, homes that the file writes as something else."""
        return self.counts.get("taken", 0)

    @property
    def absent(self) -> int:
        """Of these, the ones that the file leaves out."""
        return self.asked - self.taken


def _upload(community_id: int, public_id: str) -> RollUpload:
    upload = db.session.scalar(
        select(RollUpload).where(
            RollUpload.community_id == community_id, RollUpload.public_id == public_id
        )
    )
    if upload is None:
        raise NotFound("upload")
    return upload


def upload_view(community_id: int, public_id: str) -> UploadView:
    """An upload as it stands. Raises: NotFound."""
    upload = _upload(community_id, public_id)
    sheets = tuple(
        SheetView(position, told["name"], told["hidden"], told["rows"], bool(told["header"]))
        for position, told in enumerate(upload.sheets)
    )
    told = {} if upload.sheet is None else upload.sheets[upload.sheet]
    return UploadView(
        id=upload.id,
        public_id=upload.public_id,
        file_name=upload.file_name,
        state=UploadState(upload.state),
        sheets=sheets,
        sheet=None if upload.sheet is None else sheets[upload.sheet],
        done=upload.done,
        total=upload.total,
        counts=upload.counts,
        columns=staging.columns_of(upload),
        warnings=upload.notes.get("warnings", {}),
        totals=told.get("totals", 0),
        dropped=tuple(told.get("dropped", ())),
        id_numbers=tuple(told.get("id_numbers", ())),
        estate=staging.estate_of(upload),
        uses=tuple(upload.notes.get("uses", ())),
    )


@dataclass(frozen=True, slots=True)
class LineView:
    """A row of an upload: its number in the file, its address, and why it is where it is."""

    number: int
    address: str
    problem: str
    what: tuple[str, ...]
    other: int
    resembles: str = ""


def lines(view: UploadView, community_id: int, state: str, page: int) -> list[LineView]:
    """A page of an upload's rows in one state; those held back are listed with those refused."""
    states = [LineState.REFUSED, LineState.HELD] if state == "refused" else [LineState(state)]
    rows = db.session.scalars(
        select(RollLine)
        .where(
            RollLine.community_id == community_id,
            RollLine.upload_id == view.id,
            RollLine.state.in_(states),
        )
        .order_by(RollLine.number)
        .offset((page - 1) * PAGE)
        .limit(PAGE)
    ).all()
    return _line_views(community_id, view, rows)


def _line_views(community_id: int, view: UploadView, rows: Sequence[RollLine]) -> list[LineView]:
    alike = _resembled(community_id, view, [r.number for r in rows if r.problem == "looks_like"])
    changed = _differences(community_id, view, rows)
    return [
        LineView(
            number=row.number,
            address=_address(row),
            problem=row.problem,
            what=changed.get(row.number, tuple(part for part in row.what.split(",") if part)),
            other=row.other,
            resembles=alike.get(row.number, ""),
        )
        for row in rows
    ]


def _address(row: RollLine) -> str:
    return address_short(row.estate, row.building, row.stairwell, row.room)


def _resembled(community_id: int, view: UploadView, numbers: list[int]) -> dict[int, str]:
    rows = db.session.execute(
        select(RollAbsence.line, RollAbsence.household_id)
        .where(
            RollAbsence.community_id == community_id,
            RollAbsence.upload_id == view.id,
            RollAbsence.line.in_(numbers),
        )
        .order_by(RollAbsence.household_id)
    ).all()
    addresses = addresses_of(community_id, [row.household_id for row in rows])
    found: dict[int, list[str]] = {}
    for row in rows:
        found.setdefault(row.line, []).append(addresses[row.household_id].short)
    return {line: "、".join(homes) for line, homes in found.items()}


def _differences(
    community_id: int, view: UploadView, rows: Sequence[RollLine]
) -> dict[int, tuple[str, ...]]:
    """What would change, by row: the fields that differ from the roll."""
    changed = [row for row in rows if row.state == LineState.CHANGED]
    homes = {
        home.id: home
        for home in db.session.scalars(
            select(Household).where(
                Household.community_id == community_id,
                Household.id.in_([row.household_id for row in changed]),
            )
        )
    }
    held = {"phones" if c.field == "phone" else c.field for c in view.columns}
    fields = [name for name in staging.COLUMNS if name in held]
    found = {}
    for row in changed:
        home = homes[row.household_id or 0]
        names = [name for name in fields if _differs(row, home, name)]
        found[row.number] = tuple(names if home.left_roll_at is None else ["back", *names])
    return found


def _differs(row: RollLine, home: Household, name: str) -> bool:
    said: Any = getattr(row, name)
    unread = rules.UNREADABLE if name in rules.NUMBERS else None
    return bool(said != unread and said != getattr(home, name))


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row to be given back: why, and its cells as they were written."""

    line: LineView
    cells: tuple[str, ...]


def refused_header(view: UploadView) -> list[str]:
    """The headers of the columns that are given back, with the estate that was named for all."""
    return [*_named_estate(view, roll_reading.ESTATE), *(column.text for column in view.columns)]


def _named_estate(view: UploadView, text: str) -> tuple[str, ...]:
    return (text,) if view.estate else ()


def refused_rows(view: UploadView, community_id: int) -> Iterator[RefusedRow]:
    """Every row that is not brought in, with its cells, in the order of the file."""
    position = None if view.sheet is None else view.sheet.position
    pieces = db.session.scalars(
        select(RollPiece.position)
        .where(
            RollPiece.community_id == community_id,
            RollPiece.upload_id == view.id,
            RollPiece.sheet == position,
        )
        .order_by(RollPiece.position)
    ).all()
    for piece in pieces if view.held_back else ():
        yield from _refused_of(view, community_id, piece)


def _refused_of(view: UploadView, community_id: int, position: int) -> Iterator[RefusedRow]:
    stored = db.session.scalars(
        select(RollPiece.rows).where(
            RollPiece.community_id == community_id,
            RollPiece.upload_id == view.id,
            RollPiece.sheet == (view.sheet.position if view.sheet else None),
            RollPiece.position == position,
        )
    ).one()
    cells = {number: row for number, *row in json.loads(stored)}
    rows = db.session.scalars(
        select(RollLine)
        .where(
            RollLine.community_id == community_id,
            RollLine.upload_id == view.id,
            RollLine.number.between(min(cells), max(cells)),
            RollLine.state.in_([LineState.REFUSED, LineState.HELD]),
        )
        .order_by(RollLine.number)
    ).all()
    for line in _line_views(community_id, view, rows):
        yield RefusedRow(line, (*_named_estate(view, view.estate), *cells[line.number]))


@dataclass(frozen=True, slots=True)
class AbsentView:
    """A household that an upload leaves out, the row it may be, and what was decided.

    `taken` is the row that writes it as something else than a home, else 0.
    """

    household_id: int
    address: str
    line: int
    line_address: str
    decision: Decision
    taken: int = 0


def absences(view: UploadView, community_id: int, page: int) -> list[AbsentView]:
    """A page of the households an upload leaves out: first those that resemble a row."""
    own = aliased(RollLine)
    rows = db.session.execute(
        select(
            RollAbsence.household_id,
            RollAbsence.line,
            RollAbsence.decision,
            RollLine,
            own.number.label("taken"),
        )
        .outerjoin(
            RollLine,
            and_(
                RollLine.community_id == RollAbsence.community_id,
                RollLine.upload_id == RollAbsence.upload_id,
                RollLine.number == RollAbsence.line,
            ),
        )
        .outerjoin(
            own,
            and_(
                own.community_id == RollAbsence.community_id,
                own.upload_id == RollAbsence.upload_id,
                own.household_id == RollAbsence.household_id,
                # The same row written again is not asked about again.
                own.state.in_(staging.GOOD),
                RollAbsence.line == 0,
            ),
        )
        .where(RollAbsence.community_id == community_id, RollAbsence.upload_id == view.id)
        .order_by(
            RollAbsence.line == 0,
            own.number.is_(None),
            RollAbsence.line,
            RollAbsence.household_id,
        )
        .offset((page - 1) * PAGE)
        .limit(PAGE)
    ).all()
    addresses = addresses_of(community_id, [row.household_id for row in rows])
    return [
        AbsentView(
            row.household_id,
            addresses[row.household_id].short,
            row.line,
            "" if row.RollLine is None else _address(row.RollLine),
            Decision(row.decision),
            row.taken or 0,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class SetView:
    """Units that may be, are, or are not one owner's; each with its address and phones' ends.

    `alike` as long as the roll names the same owners for all of them.
    """

    household_ids: tuple[int, ...]
    names: str
    addresses: tuple[str, ...]
    phone_ends: tuple[str, ...]
    alike: bool


@dataclass(frozen=True, slots=True)
class OwnerPage:
    """Proposed sets of this page, how many there are, what was decided, and how heads count."""

    proposed: tuple[SetView, ...]
    number: int
    confirmed: tuple[SetView, ...]
    rejected: tuple[SetView, ...]
    counted: rules.Counted


UNIT = (
    Household.id,
    Household.owner_name,
    Household.phones,
    Household.unit_type,
    Household.delivery,
    Household.area_registered_c,
    Household.area_surveyed_c,
    Household.area_contract_c,
)


def _units(community_id: int) -> list[rules.Unit]:
    rows = db.session.execute(
        select(*UNIT)
        .where(Household.community_id == community_id, Household.left_roll_at.is_(None))
        .order_by(Household.id)
    )
    return [rules.Unit(*row) for row in rows]


def confirmed_sets(community_id: int) -> dict[int, int]:
    """The confirmed owner set of each unit that is in one."""
    rows = db.session.execute(
        select(OwnerSetUnit.household_id, OwnerSetUnit.owner_set_id).where(
            OwnerSetUnit.community_id == community_id
        )
    )
    return {row.household_id: row.owner_set_id for row in rows}


def count_owners(community_id: int, *, parking: bool) -> rules.Counted:
    """Owners of the community as heads and as area in 0.01 m², by the confirmed sets."""
    return rules.count_owners(_units(community_id), confirmed_sets(community_id), parking=parking)


def proposed_sets(community_id: int) -> list[tuple[int, ...]]:
    """Units with the same owners' names and a phone in common that nobody has decided on yet."""
    several = (
        select(Household.owner_name)
        .where(Household.community_id == community_id, Household.owner_name != "")
        .group_by(Household.owner_name)
        .having(func.count() > 1)
    )
    rows = db.session.execute(
        select(*UNIT).where(
            Household.community_id == community_id,
            Household.left_roll_at.is_(None),
            Household.phones != "",
            or_(Household.owner_name.in_(several), Household.owner_name.contains("、")),
        )
    )
    proposals = rules.propose_sets(rules.Unit(*row) for row in rows)
    sets = confirmed_sets(community_id)
    rejected = {
        tuple(units)
        for units in db.session.scalars(
            select(OwnerSet.units).where(
                OwnerSet.community_id == community_id, OwnerSet.confirmed.is_(False)
            )
        )
    }
    return [
        units
        for units in proposals
        if units not in rejected and (units[0] not in sets or len({sets.get(u) for u in units}) > 1)
    ]


def owner_page(community_id: int, page: int) -> OwnerPage:
    """Proposals of this page, the newest decisions, and the count they lead to."""
    proposals = proposed_sets(community_id)
    decided = db.session.execute(
        select(OwnerSet.id, OwnerSet.units, OwnerSet.confirmed)
        .where(OwnerSet.community_id == community_id)
        .order_by(OwnerSet.decided_at.desc(), OwnerSet.id.desc())
        .limit(PAGE)
    ).all()
    living = set(confirmed_sets(community_id).values())
    shown = [tuple(units) for units in proposals[(page - 1) * SETS_PAGE : page * SETS_PAGE]]
    confirmed = [tuple(row.units) for row in decided if row.confirmed and row.id in living]
    rejected = [tuple(row.units) for row in decided if not row.confirmed]
    views = _set_views(community_id, [*shown, *confirmed, *rejected])
    return OwnerPage(
        proposed=tuple(views[units] for units in shown),
        number=len(proposals),
        # What has to be looked at again comes first.
        confirmed=tuple(sorted((views[units] for units in confirmed), key=lambda v: v.alike)),
        rejected=tuple(views[units] for units in rejected),
        counted=count_owners(community_id, parking=False),
    )


def _set_views(
    community_id: int, sets: Sequence[tuple[int, ...]]
) -> dict[tuple[int, ...], SetView]:
    ids = sorted({unit for units in sets for unit in units})
    addresses = addresses_of(community_id, ids)
    owners = {
        row.id: row
        for row in db.session.execute(
            select(Household.id, Household.owner_name, Household.phones).where(
                Household.community_id == community_id, Household.id.in_(ids)
            )
        )
    }
    found = {}
    for units in sets:
        phones = sorted({phone for unit in units for phone in owners[unit].phones.split()})
        found[units] = SetView(
            units,
            owners[units[0]].owner_name,
            tuple(addresses[unit].short for unit in units),
            tuple(phone[-4:] for phone in phones),
            alike=len({frozenset(rules.owner_names(owners[u].owner_name)) for u in units}) == 1,
        )
    return found
