"""PDFs by typst: our layouts, others' words. Text goes in as data and is never read as markup."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pylopdf_fonts_zh_cn
import typst
from flask import current_app

from app.config import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

LAYOUTS = ROOT / "templates" / "print"


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


@cache
def _fonts(folder: Path | None) -> typst.Fonts:
    """Fonts are read once: they cost more than most documents."""
    found = folder or Path(pylopdf_fonts_zh_cn.__file__).parent
    return typst.Fonts(include_system_fonts=False, font_paths=[found])
