"""A dossier taken away and opened as those who get it open it."""

from __future__ import annotations

import io
import json
import subprocess
import zipfile
from typing import TYPE_CHECKING, Any

from docx import Document

from app.communities.queries import community_by_code
from app.core.db import db
from app.exports import dossier

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.world import World


def word(whole: zipfile.ZipFile) -> str:
    """Every line of the DOCX."""
    document = Document(io.BytesIO(whole.read("dossier.docx")))
    return "\n".join(paragraph.text for paragraph in document.paragraphs)


def pages(whole: zipfile.ZipFile, folder: Path) -> str:
    """The text of the PDF."""
    (folder / "d.pdf").write_bytes(whole.read("dossier.pdf"))
    done = subprocess.run(
        ["pdftotext", "-raw", "d.pdf", "-"], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def taken(world: World, topic: str) -> zipfile.ZipFile:
    """The archive of a topic of HXL."""
    with world.app.test_request_context():
        made = dossier.archive(community_by_code("HXL"), topic)
    db.session.rollback()
    return zipfile.ZipFile(io.BytesIO(made))


def parts(whole: zipfile.ZipFile) -> dict[str, list[str]]:
    """The lines under each heading as Word shows them; what the JSON calls missing shows there."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for paragraph in Document(io.BytesIO(whole.read("dossier.docx"))).paragraphs:
        if paragraph.style is not None and paragraph.style.name == "Heading 1":
            lines = found.setdefault(paragraph.text, [])
        else:
            lines.append(paragraph.text)
    lacking = [title for title, said in found.items() if any(one[:2] == "缺：" for one in said)]
    assert told(whole)["missing"] == lacking, "the paper and the structure name the same as missing"
    return found


def told(whole: zipfile.ZipFile) -> dict[str, Any]:
    """The JSON as structure."""
    found: dict[str, Any] = json.loads(whole.read("dossier.json"))
    return found
