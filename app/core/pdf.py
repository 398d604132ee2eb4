"""PDFs by typst: our layouts, others' words. Text goes in as data and is never read as markup."""

from __future__ import annotations

import json
import tempfile
import threading
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pikepdf
import pylopdf_fonts_zh_cn
import typst
from flask import current_app

from app.config import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LAYOUTS = ROOT / "templates" / "print"
# typst forgets what it laid out only after ten more documents; docs/adr/0011 has the figures.
FORGETS_AFTER = 10
# Two long papers at once would take twice the memory; their parts take turns instead.
_turn = threading.Lock()


def compile_pdf(layout: str, data: Mapping[str, object], *, tagged: bool = True) -> bytes:
    """Lay out `data` by `templates/print/<layout>.typ`.

    The layout sees its own folder and nothing else of the machine. `tagged` makes it readable
    aloud; thousands of letters that only go to a printer do without and stay small.
    """
    return typst.compile(
        LAYOUTS / f"{layout}.typ",
        root=LAYOUTS,
        font_paths=_fonts(current_app.config["SETTINGS"].font_dir),
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
        format="pdf",
        pdf_tags=tagged,
    )


def compile_long(
    layout: str, parts: Iterable[Mapping[str, object]], title: str, out: BinaryIO
) -> int:
    """Lay out a long paper part by part and write it to `out` as one file; gives its pages.

    Memory holds one part at a time; parts wait in files without a name, which are gone even when
    the process is killed. The file asks printers for one side of the sheet: the next page is
    somebody else's.
    """
    with ExitStack() as stack:
        whole = stack.enter_context(pikepdf.new())
        for part in parts:
            file = stack.enter_context(tempfile.TemporaryFile())
            with _turn:
                file.write(compile_pdf(layout, part, tagged=False))
                _forget()
            file.seek(0)
            whole.pages.extend(stack.enter_context(pikepdf.open(file)).pages)
        whole.docinfo["/Title"] = title
        whole.Root.Lang = "zh-CN"
        whole.Root.ViewerPreferences = pikepdf.Dictionary(Duplex=pikepdf.Name.Simplex)
        whole.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return len(whole.pages)


def _forget() -> None:
    for _ in range(FORGETS_AFTER):
        typst.compile(b"", font_paths=_no_fonts(), format="svg")


@cache
def _fonts(folder: Path | None) -> typst.Fonts:
    """Fonts are read once: they cost more than most documents."""
    found = folder or Path(pylopdf_fonts_zh_cn.__file__).parent
    return typst.Fonts(include_system_fonts=False, font_paths=[found])


@cache
def _no_fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[])
