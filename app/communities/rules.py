"""The rules of the household roll: what cells mean, which rows are refused, who owns several units.

Pure. Areas are integers in 0.01 m². Source: docs/rules.md, "The roll".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache

AddressKey = tuple[str, str, str, str]
Values = dict[str, str | int | None]

ADDRESS = ("estate", "building", "stairwell", "room")
NUMBERS = ("area_registered_c", "area_surveyed_c", "area_contract_c", "persons", "persons_60_plus")
# What cannot be read says nothing: an import leaves what the roll has. A text says so by None.
UNREADABLE = -1
NUMERALS = "零一二三四五六七八九十"
UNIT_TYPES = {
    "住宅": "residence",
    "居住": "residence",
    "商业": "commercial",
    "门市": "commercial",
    "商铺": "commercial",
    "办公": "office",
    "车位": "parking",
    "车库": "parking",
}
# Whoever writes this means that it is no home.
OTHER_USES = frozenset({"其他", "其它", "非住宅"})
USES_SHOWN, LONGEST_USE = 10, 20
TENURES = {
    "私产": "private",
    "私有": "private",
    "公产": "public_rented",
    "公房": "public_rented",
    "单位产": "unit_owned",
    "开发商": "developer",
}
DELIVERIES = {
    "已交付": "delivered",
    "是": "delivered",
    "已售未交付": "sold_undelivered",
    "未售": "unsold",
}
RESIDENCES = {
    "是": "resident",
    "常住": "resident",
    "自住": "resident",
    "否": "absent",
    "空置": "absent",
    "出租": "rented_out",
}
WORDS = {"tenure": TENURES, "delivery": DELIVERIES, "residence": RESIDENCES}
TOTALS = ("合计", "总计", "小计", "共计")
FOOTNOTES = ("注:", "注:", "备注:", "说明:", "填表", "制表", "审核", "日期:", "联系")
ERRORS = frozenset(
    ("#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#GETTING_DATA")
)
NOT_CALCULATED = "=（公式没有结果）"
LARGEST_AREA_C = 10_000_000
SHORTEST_PHONE, LONGEST_PHONE = 7, 12
LENGTHS = {"estate": 80, "building": 40, "stairwell": 20, "room": 40}
COMMUNITY_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{0,19}")
LONGEST_TEXT, LONGEST_OWNERS, LONGEST_PHONES, LONGEST_GRID = 80, 200, 120, 40
_ID_NUMBER = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)")
_SQUARE_METRES = re.compile(r"(㎡|m2|m²|平方米|平米|平方|平)$", re.IGNORECASE)
_A_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DASHES = str.maketrans("‐‑‒–—−", "------")


def as_written(cell: object) -> str:
    """A cell as its writer sees it: 502.0 is 502, a date is 2026-03-01, no spaces around it."""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    day = getattr(cell, "isoformat", None)
    if day is not None:
        return str(day())[:10]
    return str(cell if cell is not None else "").replace("\0", "").strip()


def without_id_numbers(text: str) -> str:
    """The text without anything that looks like a resident's ID number."""
    return _ID_NUMBER.sub("", text) if len(text) >= 18 else text  # noqa: PLR2004


def community_code(typed: str) -> str:
    """A community's code as addresses and the record carry it; empty when it is none.

    It stands in every address and names the record's log, so it is short, plain and never changes.
    """
    code = unicodedata.normalize("NFKC", typed).strip().upper()
    return code if COMMUNITY_CODE.fullmatch(code) else ""


def plain(cell: object) -> str:
    """A cell as text: full-width made half-width, spaces trimmed, 502.0 made 502."""
    text = as_written(cell)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).strip()
    # Our own workbooks put an apostrophe before what a spreadsheet would take for a formula.
    text = re.sub(r"^'+(?=[=+\-@])", "", text) if text[:1] == "'" else text
    return text[:-2] if text[-2:] == ".0" and re.fullmatch(r"\d+\.0", text) else text


def _joined(text: str) -> str:
    """Without spaces; what stood apart may now be one character, so it is normalised again."""
    return unicodedata.normalize("NFKC", "".join(text.split())).translate(_DASHES)


def estate_name(text: str) -> str:
    """An estate without spaces: 槐香里 一区 is 槐香里一区."""
    return re.sub(r"\s+", "", plain(text))[: LENGTHS["estate"]]


@lru_cache(maxsize=4096)
def building_name(text: str) -> str:
    """12号楼, 12#, 第12栋 and 12 are one building; 12甲 is another."""
    clean = re.sub(r"(号楼|号院|号|楼|栋|幢|座|#)+$", "", _joined(text))
    return _number(re.sub(r"^[第#]+(?=.)", "", clean))


@lru_cache(maxsize=4096)
def stairwell_name(text: str) -> str:
    """一单元, 1单元, 1门 and 1 are one stairwell; empty for point blocks."""
    clean = re.sub(r"(单元|门|号|#)+$", "", _joined(text))
    return _number(re.sub(r"^[第#]+(?=.)", "", clean))


@lru_cache(maxsize=65536)
def room_name(text: str) -> str:
    """0502, 502室 and 502 are one room; 3-1 and 门市3号 stay as they are."""
    clean = re.sub(r"(室|房)+$", "", _joined(text))
    clean = re.sub(r"^(\d+)号$", r"\1", clean)
    return clean.lstrip("0") or clean if clean.isdecimal() else clean


def _number(text: str) -> str:
    text = text.replace("〇", "零")
    if text.isdigit():
        return text.lstrip("0") or text
    if text and all(character in NUMERALS for character in text):
        return str(_chinese(text))
    return text


def _chinese(text: str) -> int:
    """Whole numbers up to 99 written in Chinese."""
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return int("".join(str(NUMERALS.index(character)) for character in text))
    high = NUMERALS.index(tens[-1]) if tens else 1
    return high * 10 + (NUMERALS.index(ones[0]) if ones else 0)


def phones(text: str) -> tuple[str, ...]:
    """Every phone in a cell: 7 to 12 digits after clean-up, without the country's prefix.

    A number that a spreadsheet rounded, such as 1.38E+10, is none: its last digits are lost, and
    they are what a resident gets in with.
    """
    found = []
    for part in re.split(r"[、/;；,，]|\s{2,}", text):
        digits = re.sub(r"[\s\-()（）]", "", _unscientific(part).translate(_DASHES))
        digits = re.sub(r"^(\+?86)(?=1\d{10}$)", "", digits)
        if digits.isascii() and digits.isdigit() and SHORTEST_PHONE <= len(digits) <= LONGEST_PHONE:
            found.append(digits)
    return tuple(dict.fromkeys(found))


def _unscientific(text: str) -> str:
    clean = text.strip()
    written = re.fullmatch(r"(\d+)(?:\.(\d+))?[eE]\+?(\d{1,2})", clean)
    if written is not None:
        whole = len(written[2] or "") >= int(written[3])
        return str(int(Decimal(clean))) if whole else ""
    return clean.partition(".")[0] if re.fullmatch(r"\d+\.0+", clean) else clean


def area_c(text: str) -> int | None:
    """An area in 0.01 m²: 56.30㎡, 62,10, 48.75 平; None when it is none."""
    clean = _SQUARE_METRES.sub("", text.replace(" ", ""))
    clean = re.sub(r"^(\d+),(\d{1,2})$", r"\1.\2", clean).replace(",", "")
    try:
        hundredths = Decimal(clean) * 100
        whole = int(hundredths.to_integral_value())
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return whole if hundredths >= 0 and 0 <= whole <= LARGEST_AREA_C else None


def count_of(text: str) -> int | None:
    """A small whole number, such as how many people live there."""
    clean = text.removesuffix("人").strip()
    return int(clean) if clean.isascii() and clean.isdigit() and len(clean) <= 3 else None  # noqa: PLR2004


def unit_type(text: str) -> str:
    """What a unit is used for; nothing said means a home."""
    for word, kind in UNIT_TYPES.items():
        if word in text:
            return kind
    return "other" if text else "residence"


def is_unknown_use(text: str) -> bool:
    """Whether a word for the use of a unit says nothing, so that it is taken for no home."""
    return unit_type(text) == "other" and text not in OTHER_USES


def person_name(text: str) -> str:
    """张 三 is 张三; John Smith keeps his space."""
    return re.sub(r"(?<=[一-鿿])\s+(?=[一-鿿])", "", " ".join(text.split()))


def owner_names(text: str) -> tuple[str, ...]:
    """The owners in a cell, joined by 、 ， / ; or by a space between two whole names."""
    found: list[str] = []
    for part in re.split(r"[、，,/;；]", text):
        names = part.split()
        several = len(names) > 1 and all(re.fullmatch(r"[一-鿿·]{2,6}", name) for name in names)
        found += names if several else [person_name(part)]
    return tuple(dict.fromkeys(name for name in found if name))


@dataclass(frozen=True, slots=True)
class Judged:
    """What one row of a file came to.

    `problem` is the code of why it is refused and `what` the field it lies in; `warnings` are codes
    of what is worth a look and stops nothing.
    """

    key: AddressKey
    values: Values
    problem: str = ""
    what: str = ""
    warnings: tuple[str, ...] = ()


def is_total(cells: Sequence[str], places: Iterable[int] = ()) -> bool:
    """Whether a row sums up others, or is a note that stands alone below the table.

    It says so in its first cell, or in one of the columns at `places`, which hold the address: what
    somebody remarks further right, such as 共计三人, is no reason to leave a home out.
    """
    said = [text.replace(" ", "").rstrip(":：") for text in cells if text]
    named = said[:1] + [cells[n].replace(" ", "").rstrip(":：") for n in places if n < len(cells)]
    return any(text.startswith(TOTALS) or text.endswith(TOTALS) for text in named) or (
        sum(map(bool, cells)) == 1 and plain("".join(cells)).replace(" ", "").startswith(FOOTNOTES)
    )


def judge(cells: Mapping[str, str]) -> Judged:
    """What a row means: field -> text as written."""
    said = {name: plain(text) for name, text in cells.items()}
    key = (
        re.sub(r"\s+", "", said.get("estate", "")),
        building_name(said.get("building", "")),
        stairwell_name(said.get("stairwell", "")),
        room_name(said.get("room", "")),
    )
    problem, what = _cell_problem(said) or _address_problem(key)
    if problem:
        return Judged(key, {}, problem, what)
    values: Values = {}
    warnings: list[str] = []
    for name, text in said.items():
        if name not in ADDRESS:
            field = "phones" if name == "phone" else name
            values[field] = _value(name, text)
            warnings += _warned(name, text, values[field])
    return Judged(key, values, warnings=tuple(warnings))


def _cell_problem(said: Mapping[str, str]) -> tuple[str, str] | None:
    for name, text in said.items():
        if text[:1] == "=":
            return "formula", name
        if text[:1] == "#" and text in ERRORS:
            return "error", name
        if name in ADDRESS and _A_DATE.fullmatch(text):
            return "date", name
    return None


def _address_problem(key: AddressKey) -> tuple[str, str]:
    named = dict(zip(ADDRESS, key, strict=True))
    for name in ("estate", "building", "room"):
        if not named[name]:
            return f"no_{name}", name
    for name, text in named.items():
        if len(text) > LENGTHS[name]:
            return "too_long", name
    return "", ""


def _value(name: str, text: str) -> str | int | None:
    if name in WORDS:
        return WORDS[name].get(text) if text else ""
    if name in NUMBERS:
        number = area_c(text) if name.endswith("_c") else count_of(text)
        return UNREADABLE if number is None and text else number
    reader = _READERS.get(name)
    return text[:LONGEST_GRID] if reader is None else reader(text)


def _phones_kept(text: str) -> str | None:
    """The phones of a cell; nothing where there is no digit, None where digits make no phone."""
    kept = " ".join(phones(text))[:LONGEST_PHONES]
    return kept if kept or not any(map(str.isdigit, text)) else None


_READERS: dict[str, Callable[[str], str | int | None]] = {
    "phone": _phones_kept,
    "unit_type": unit_type,
    "owner_name": lambda text: "、".join(owner_names(text))[:LONGEST_OWNERS],
    "household_head": lambda text: person_name(text)[:LONGEST_TEXT],
    "tenant": lambda text: person_name(text)[:LONGEST_TEXT],
}


def _warned(name: str, text: str, value: str | int | None) -> list[str]:
    if name == "phone" and not value:
        return ["phone_rounded" if re.search(r"\d[eE]\+", text) else "no_phone"]
    if name == "household_head" and not value:
        return ["no_head"]
    if name == "unit_type" and is_unknown_use(text):
        return ["use_unknown"]
    if value == UNREADABLE:
        return ["area_unreadable" if name.endswith("_c") else "word_unreadable"]
    return ["word_unreadable"] if name in WORDS and value is None else []


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a row whose address another row has too: `kept`, `twice` or `contradiction`.

    `other` is the row it collides with, `what` the fields in which the two differ.
    """

    number: int
    state: str
    other: int = 0
    what: tuple[str, ...] = ()


def settle(rows: Sequence[tuple[int, Values]]) -> tuple[Verdict, ...]:
    """Rows of one file with one address: all the same are one, others are refused, all of them."""
    first, same = rows[0], all(values == rows[0][1] for _number, values in rows)
    if same:
        rest = (Verdict(number, "twice", first[0]) for number, _values in rows[1:])
        return (Verdict(first[0], "kept"), *rest)
    return tuple(_against(number, values, rows) for number, values in rows)


def _against(number: int, values: Values, rows: Sequence[tuple[int, Values]]) -> Verdict:
    other, theirs = next(row for row in rows if row[1] != values)
    what = tuple(name for name in values if values[name] != theirs.get(name))
    return Verdict(number, "contradiction", other, what)


def same_home(old: tuple[str, str], new: tuple[str, str]) -> bool:
    """Whether (stairwell, room) of the roll and of a file may be one home in one building.

    So it is when the rooms are one once both are cleaned, and one side says nothing of a stairwell.
    """
    stairwells = stairwell_name(old[0]), stairwell_name(new[0])
    return room_name(old[1]) == room_name(new[1]) and (
        stairwells[0] == stairwells[1] or "" in stairwells
    )


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of the roll as its owner matters: areas in 0.01 m², None where nothing is known."""

    id: int
    owner_name: str
    phones: str
    unit_type: str = "residence"
    delivery: str = ""
    area_registered_c: int | None = None
    area_surveyed_c: int | None = None
    area_contract_c: int | None = None

    def _area(self) -> tuple[str, int | None]:
        known = {
            "registered": self.area_registered_c,
            "surveyed": self.area_surveyed_c,
            "contract": self.area_contract_c,
        }
        return next(((name, area) for name, area in known.items() if area is not None), ("", None))

    @property
    def area_c(self) -> int | None:
        """The area that counts: registered, else surveyed, else contract."""
        return self._area()[1]

    @property
    def area_basis(self) -> str:
        """Where the area that counts comes from; empty where none is known."""
        return self._area()[0]


def propose_sets(units: Iterable[Unit]) -> tuple[tuple[int, ...], ...]:
    """Units that may have the same owners: the same names and a phone in common, never names alone.

    Each proposal lists at least two units by rising id. Source: trust.md, "Who casts".
    """
    first: dict[tuple[tuple[str, ...], str], int] = {}
    leader: dict[int, int] = {}
    for unit in units:
        names = tuple(sorted(owner_names(unit.owner_name)))
        leader[unit.id] = unit.id
        for phone in unit.phones.split() if names else ():
            leader[_top(leader, unit.id)] = _top(leader, first.setdefault((names, phone), unit.id))
    found: dict[int, list[int]] = {}
    for unit_id in leader:
        found.setdefault(_top(leader, unit_id), []).append(unit_id)
    return tuple(sorted(tuple(sorted(ids)) for ids in found.values() if len(ids) > 1))


def _top(leader: dict[int, int], unit: int) -> int:
    """Who stands for a unit's group; the way there is shortened on the way."""
    while leader[unit] != unit:
        leader[unit] = leader[leader[unit]]
        unit = leader[unit]
    return unit


@dataclass(frozen=True, slots=True)
class Counted:
    """Owners of a scope as heads and as area in 0.01 m²; `without_area` units have none known."""

    heads: int
    area_c: int
    units: int
    without_area: int


def count_owners(units: Iterable[Unit], sets: Mapping[int, int], *, parking: bool) -> Counted:
    """Heads and area: a set is one head, everything still a developer's is one, else unit by unit.

    `sets` gives the confirmed owner set of a unit. Source: SPC interpretation art. 8 and 9.
    """
    heads: set[tuple[str, int]] = set()
    areas: list[int | None] = []
    for unit in units:
        if unit.unit_type == "parking" and not parking:
            continue
        areas.append(unit.area_c)
        if unit.delivery in {"unsold", "sold_undelivered"}:
            heads.add(("developer", 0))
        else:
            heads.add(("set", sets[unit.id]) if unit.id in sets else ("unit", unit.id))
    known = [area for area in areas if area is not None]
    return Counted(len(heads), sum(known), len(areas), len(areas) - len(known))
