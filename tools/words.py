"""Words in two languages: Chinese in the code is the source, English is the one catalogue.

`make words` reads every text out of the code, brings the catalogue up to date, compiles it, and
lists what is still to be translated. `tools/check.py lint` runs it with --check, which changes
nothing and fails when the catalogue is not whole. Running it twice changes nothing: no dates, no
line numbers, one order.
"""

from __future__ import annotations

import io
import re
import sys
import tomllib
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PO = ROOT / "app" / "translations" / "en" / "LC_MESSAGES" / "messages.po"
# `counted` has one text for both forms, because Chinese has one.
KEYWORDS = {"_": None, "_l": None, "gettext": None, "lazy_gettext": None, "counted": (1, 1)}
PLACEHOLDER = re.compile(r"%\((\w+)\)[a-z]")
CHINESE = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
JOINING = ("，", "、", "；", "：", "（")
ON_PURPOSE = "Chinese is meant here."
HEAD = (
    ("Language", "en"),
    ("MIME-Version", "1.0"),
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Content-Transfer-Encoding", "8bit"),
    ("Plural-Forms", "nplurals=2; plural=(n != 1);"),
)
HEADER = "English for the portal. Terms: docs/translation.md. Update with: make words"


def read_code() -> Catalog:
    """Every text in the code, each once, in the order of the files."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["words"]
    methods = [(entry["pattern"], entry["method"]) for entry in settings["mappings"]]
    options = {"templates/**.html": {"encoding": "utf-8"}}
    found = Catalog()
    for name, _line, message, comments, context in extract_from_dir(
        ROOT, methods, options, KEYWORDS, ("Translators:",), directory_filter=_ours
    ):
        found.add(message, None, [(name, None)], auto_comments=comments, context=context)
    return found


def _ours(folder: str) -> bool:
    name = Path(folder).name
    return name not in {"migrations", "tests", "var", "node_modules"} and not name.startswith(".")


def read_catalogue() -> Catalog:
    """The English catalogue as it lies in the repository; empty when there is none yet."""
    if not PO.exists():
        return Catalog(locale="en")
    return read_po(io.BytesIO(PO.read_bytes()), locale="en")


def up_to_date(code: Catalog, english: Catalog) -> Catalog:
    """The catalogue with exactly the code's texts, keeping what is translated. Never guesses."""
    made = Catalog(locale="en", fuzzy=False, header_comment=f"# {HEADER}")
    for message in _texts(code):
        known = english.get(message.id) or english.get(_singular(message))
        files = sorted({name for name, _line in message.locations})
        made.add(
            message.id,
            _kept(message, known),
            [(name, None) for name in files],
            flags=set(known.flags) & {"fuzzy"} if known else (),
            user_comments=known.user_comments if known else (),
        )
    return made


def _kept(message: Message, known: Message | None) -> str | tuple[str, ...]:
    """What was translated before, in the shape the text needs now."""
    old = known.string if known else ""
    if message.pluralizable:
        return old if isinstance(old, tuple) else (old or "", "")
    return old[0] if isinstance(old, tuple) else old or ""


def _texts(catalog: Catalog) -> list[Message]:
    """Every message but the header, in one order."""
    return sorted((m for m in catalog if m.id), key=_singular)


def _singular(message: Message) -> str:
    return message.id[0] if isinstance(message.id, tuple) else message.id


def as_po(catalog: Catalog) -> bytes:
    """The catalogue as a file that only changes when a text does: no dates, no lines."""
    out = io.BytesIO()
    write_po(out, catalog, width=0, omit_header=True, include_lineno=False)
    lines = "".join(f'"{name}: {value}\\n"\n' for name, value in HEAD)
    head = f'# {HEADER}\nmsgid ""\nmsgstr ""\n{lines}\n'
    return head.encode() + out.getvalue().strip() + b"\n"


class Undated(Catalog):
    """A catalogue whose head has neither today's date nor the version of the library."""

    mime_headers = HEAD


def as_mo(po: bytes) -> bytes:
    """The compiled catalogue; untranslated texts stay out and show in Chinese."""
    plain, out = Undated(locale="en"), io.BytesIO()
    for message in _texts(read_po(io.BytesIO(po), locale="en")):
        plain[message.id] = message
    write_mo(out, plain)
    return out.getvalue()


def untranslated(catalog: Catalog) -> list[Message]:
    """Texts without English, or with half of it."""
    return [m for m in _texts(catalog) if not all(_forms(m))]


def _forms(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)


def faults(message: Message) -> list[str]:
    """What is wrong with one translation: doubtful, other placeholders, Chinese left in it."""
    found = ["is marked fuzzy: read it and take the mark away"] if message.fuzzy else []
    for text in filter(None, _forms(message)):
        found += [fault for fault in (_placeholders(message, text), _looks(message, text)) if fault]
    return found


def _placeholders(message: Message, text: str) -> str:
    wanted, have = (set(PLACEHOLDER.findall(each)) for each in (_singular(message), text))
    # One of something may be said without its number: "the last household".
    if have == wanted or (message.pluralizable and have < wanted):
        return ""
    return f"has the placeholders {sorted(have)} instead of {sorted(wanted)}"


def _looks(message: Message, text: str) -> str:
    if CHINESE.search(text) and ON_PURPOSE not in message.user_comments:
        return f"has Chinese in its English (if meant, comment it “{ON_PURPOSE}”)"
    source = _singular(message)
    # A comma, a bracket or a colon brings the space that Chinese punctuation has inside.
    joins = source.startswith(JOINING) or source.endswith(JOINING)
    ends = [
        each[: len(each) - len(each.lstrip())] + each[len(each.rstrip()) :]
        for each in (source, text)
    ]
    return "begins or ends with a space" if ends[0] != ends[1] and not joins else ""


def check(code: Catalog, english: Catalog) -> list[str]:
    """Everything that keeps the catalogue from being whole, one line each."""
    missing = {_singular(m) for m in _texts(code)} - {_singular(m) for m in _texts(english)}
    gone = {_singular(m) for m in _texts(english)} - {_singular(m) for m in _texts(code)}
    gone |= {_singular(m) for m in english.obsolete.values()}
    lines = [f"not in the catalogue: {text}" for text in sorted(missing)]
    lines += [f"no longer in the code: {text}" for text in sorted(gone)]
    lines += [f"no English: {_singular(m)}" for m in untranslated(english)]
    for message in _texts(english):
        lines += [f"{_singular(message)}: {fault}" for fault in faults(message)]
    return lines


def main(arguments: list[str]) -> int:
    """Bring everything up to date, or with --check only say what is not."""
    code, english = read_code(), read_catalogue()
    made = up_to_date(code, english)
    po = as_po(made)
    mo = as_mo(po)
    compiled = PO.with_suffix(".mo")
    if "--check" in arguments:
        lines = check(code, english)
        if not lines and PO.read_bytes() != po:
            lines.append("messages.po is not as `make words` writes it")
        if not compiled.exists() or compiled.read_bytes() != as_mo(PO.read_bytes()):
            lines.append("messages.mo is not what messages.po compiles to")
        print(*lines, sep="\n")
        if lines:
            print("Run `make words`, translate what it lists, run it again, commit .po and .mo.")
        return 1 if lines else 0
    PO.parent.mkdir(parents=True, exist_ok=True)
    PO.write_bytes(po)
    compiled.write_bytes(mo)
    lines = check(code, made)
    print(*lines, sep="\n")
    print(f"{len(_texts(made))} texts, {len(untranslated(made))} without English: {PO}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
