"""The rules of the household roll: what cells mean, which rows are refused, what an import changes.

Pure. Areas are integers in 0.01 m². Source: docs/rules.md, "The roll".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

AddressKey = tuple[str, str, str, str]
Values = dict[str, str | int | None]

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
TENURES = {
    "私产": "private",
    "公产": "public_rented",
    "单位产": "unit_owned",
    "开发商": "developer",
}
DELIVERIES = {"已交付": "delivered", "已售未交付": "sold_undelivered", "未售": "unsold"}
RESIDENCES = {
    "是": "resident",
    "常住": "resident",
    "否": "absent",
    "出租": "rented_out",
}
TOTALS = ("合计", "总计", "小计")
LARGEST_AREA_C = 10_000_000
SHORTEST_PHONE, LONGEST_PHONE = 7, 12
LENGTHS = {"estate": 80, "building": 40, "stairwell": 20, "room": 40}
COMMUNITY_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{0,19}")


def community_code(typed: str) -> str:
    """A community's code as addresses and the record carry it; empty when it is none.

    It stands in every address and names the record's log, so it is short, plain and never changes.
    """
    code = unicodedata.normalize("NFKC", typed).strip().upper()
    return code if COMMUNITY_CODE.fullmatch(code) else ""


def plain(cell: object) -> str:
    """A cell as text: full-width made half-width, spaces trimmed, 502.0 made 502."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = unicodedata.normalize("NFKC", str(cell if cell is not None else "")).strip()
    text = text.replace("\0", "")
    return text[:-2] if re.fullmatch(r"\d+\.0", text) else text


def _joined(text: str) -> str:
    """Without spaces; what stood apart may now be one character, so it is normalised again."""
    return unicodedata.normalize("NFKC", "".join(text.split()))


def building_name(text: str) -> str:
    """12号楼, 12#, 12 栋 and 12 are one building; 12甲 is another."""
    clean = _joined(text)
    clean = re.sub(r"(号楼|号院|号|楼|栋|幢|座|#)+$", "", clean)
    return _number(clean)


def stairwell_name(text: str) -> str:
    """一单元, 1单元, 1门 and 1 are one stairwell; empty for point blocks."""
    clean = _joined(text)
    return _number(re.sub(r"(单元|门|号)+$", "", clean))


def room_name(text: str) -> str:
    """0502, 502室 and 502 are one room; 3-1 and 门市3号 stay as they are."""
    clean = _joined(text)
    clean = re.sub(r"(室|房)$", "", clean)
    return clean.lstrip("0") or clean if clean.isdecimal() else clean


def _number(text: str) -> str:
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
    """Every phone in a cell: 7 to 12 digits after clean-up, without the country's prefix."""
    found = []
    for part in re.split(r"[、/;；,，]|\s{2,}", text):
        digits = re.sub(r"[\s\-()（）]", "", _unscientific(part))
        digits = re.sub(r"^(\+?86)(?=1\d{10}$)", "", digits)
        if digits.isascii() and digits.isdigit() and SHORTEST_PHONE <= len(digits) <= LONGEST_PHONE:
            found.append(digits)
    return tuple(dict.fromkeys(found))


def _unscientific(text: str) -> str:
    clean = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?[eE]\+?\d{1,2}|\d+\.0+", clean):
        return str(int(Decimal(clean)))
    return clean


def area_c(text: str) -> int | None:
    """An area in 0.01 m²: 56.30㎡, 62,10, 48.75 平; None when it is none."""
    clean = re.sub(r"(㎡|m2|m²|平方米|平米|平)$", "", text.replace(" ", ""), flags=re.IGNORECASE)
    clean = re.sub(r"^(\d+),(\d{1,2})$", r"\1.\2", clean).replace(",", "")
    try:
        hundredths = Decimal(clean) * 100
        whole = int(hundredths.to_integral_value())
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return whole if hundredths >= 0 and 0 <= whole <= LARGEST_AREA_C else None


def count_of(text: str) -> int | None:
    """A small whole number, such as how many people live there."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else None  # noqa: PLR2004


def unit_type(text: str) -> str:
    """What a unit is used for; nothing said means a home."""
    for word, kind in UNIT_TYPES.items():
        if word in text:
            return kind
    return "other" if text else "residence"


@dataclass(frozen=True, slots=True)
class RollRow:
    """A row that can be imported. `number` is the row in the file, `values` what the file says."""

    number: int
    key: AddressKey
    values: Values


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot be imported, and the code of why. `other` is the row it collides with."""

    number: int
    code: str
    shown: str
    other: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What the rows of a file came to. Warnings count rows by code."""

    rows: tuple[RollRow, ...]
    refused: tuple[Refused, ...]
    warnings: Mapping[str, int]
    totals_skipped: int


@dataclass
class _Collector:
    rows: list[RollRow] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    warnings: dict[str, int] = field(default_factory=dict)
    seen: dict[AddressKey, int] = field(default_factory=dict)
    totals: int = 0

    def warn(self, code: str) -> None:
        self.warnings[code] = self.warnings.get(code, 0) + 1


def read_rows(table: Iterable[tuple[int, Mapping[str, str]]]) -> Reading:
    """Judge every row: (number in the file, field → plain text). Empty rows are passed over."""
    found = _Collector()
    for number, cells in table:
        if any(cells.values()):
            _take(found, number, cells)
    return Reading(tuple(found.rows), tuple(found.refused), dict(found.warnings), found.totals)


def _take(found: _Collector, number: int, cells: Mapping[str, str]) -> None:
    if any(text.replace(" ", "").startswith(TOTALS) for text in cells.values()):
        found.totals += 1
        return
    key = _key(cells)
    problem = _address_problem(key)
    shown = " ".join(part for part in key if part)
    if problem:
        found.refused.append(Refused(number, problem, shown))
    elif key in found.seen:
        found.refused.append(Refused(number, "twice", shown, found.seen[key]))
    else:
        found.seen[key] = number
        found.rows.append(RollRow(number, key, _values(found, cells)))


def _key(cells: Mapping[str, str]) -> AddressKey:
    return (
        re.sub(r"\s+", "", cells.get("estate", "")),
        building_name(cells.get("building", "")),
        stairwell_name(cells.get("stairwell", "")),
        room_name(cells.get("room", "")),
    )


def _address_problem(key: AddressKey) -> str:
    named = dict(zip(("estate", "building", "stairwell", "room"), key, strict=True))
    for name in ("estate", "building", "room"):
        if not named[name]:
            return f"no_{name}"
    if any(len(text) > LENGTHS[name] for name, text in named.items()):
        return "too_long"
    return ""


def _values(found: _Collector, cells: Mapping[str, str]) -> Values:
    values: Values = {}
    for name, text in cells.items():
        if name not in {"estate", "building", "stairwell", "room"}:
            values |= _value(found, name, text)
    return values


def _value(found: _Collector, name: str, text: str) -> Values:
    if name == "phone":
        kept = phones(text)
        if not kept:
            found.warn("no_phone")
        return {"phones": " ".join(kept)[:120]}
    if name.endswith("_c"):
        area = area_c(text) if text else None
        if text and area is None:
            found.warn("area_unreadable")
        return {name: area}
    if name in {"persons", "persons_60_plus"}:
        return {name: count_of(text)}
    return {name: _word(name, text)}


def _word(name: str, text: str) -> str:
    if name == "unit_type":
        return unit_type(text)
    words = {"tenure": TENURES, "delivery": DELIVERIES, "residence": RESIDENCES}.get(name)
    if words is not None:
        return words.get(text, "")
    return text[:80]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do. `changed` holds each row with the fields that differ."""

    new: tuple[RollRow, ...]
    changed: tuple[tuple[RollRow, tuple[str, ...]], ...]
    unchanged: int
    not_in_file: int


def compare(existing: Mapping[AddressKey, Values], rows: Sequence[RollRow]) -> Preview:
    """Hold a file against the roll. Households the file leaves out stay as they are."""
    new, changed, unchanged = [], [], 0
    for row in rows:
        stored = existing.get(row.key)
        if stored is None:
            new.append(row)
            continue
        different = tuple(name for name, value in row.values.items() if stored.get(name) != value)
        if different:
            changed.append((row, different))
        else:
            unchanged += 1
    missing = len(set(existing) - {row.key for row in rows})
    return Preview(tuple(new), tuple(changed), unchanged, missing)
