"""The consultation dossier (协商档案) of a topic: everything that belongs to it, in one archive.

DOCX and PDF for people, JSON and CSV for programs. In Chinese whoever takes it away: it goes to
whoever supervises. Source: Organic Law of Urban Residents Committees (2025 revision), art. 39
(affairs archive); docs/rules.md, "Dossier".
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from docx import Document
from docx.enum.text import WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from flask_babel import gettext as _

from app.core.pdf import compile_pdf
from app.core.times import full_time_text, in_record_language
from app.discussion.words import disposition_badge, role_name
from app.discussion.words import writer as writer_of
from app.exports.cells import plain
from app.exports.dossier_facts import answers_to, as_data, changed, gather
from app.exports.dossier_words import earlier_words, in_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.communities.queries import CommunityView
    from app.discussion.queries import PostView
    from app.exports.dossier_words import Dossier

SONG = "宋体"
# Where the columns of the record begin after the first, in cm; the text is 16 cm wide.
TAB_STOPS = (1.2, 6.8, 12.4)


def archive(place: CommunityView, topic_id: str) -> bytes:
    """The dossier as DOCX, PDF, JSON and CSV, with the SHA-256 of each in manifest.json."""
    with in_record_language():
        facts = gather(place, topic_id)
        dossier = in_words(facts)
        files = {
            "dossier.docx": as_docx(dossier),
            "dossier.pdf": as_pdf(dossier),
            "dossier.json": _json(as_data(facts, dossier.missing)),
            "opinions.csv": _opinions_csv(facts.opinions),
        }
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    files["manifest.json"] = _json({"files": hashes})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as whole:
        for name, data in files.items():
            whole.writestr(name, data)
    return out.getvalue()


def _json(whole: dict[str, Any]) -> bytes:
    return json.dumps(whole, ensure_ascii=False, indent=1).encode()


def as_pdf(dossier: Dossier) -> bytes:
    """The dossier on paper, with page numbers."""
    return compile_pdf("dossier", asdict(dossier))


def as_docx(dossier: Dossier) -> bytes:
    """The dossier for Word on A4 with page numbers; Chinese text in 宋体 whatever the machine."""
    document = Document()
    page = document.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2.5)
    page.top_margin = page.bottom_margin = Cm(2.2)
    for name in ("Normal", "Title", "Heading 1"):
        _in_song(document.styles[name])
    document.styles["Normal"].font.size = Pt(11)
    document.styles["Normal"].paragraph_format.space_after = Pt(4)
    _page_number(page.footer.paragraphs[0])
    document.add_heading(dossier.title, level=0)
    document.add_paragraph(_("%(community)s 协商档案", community=dossier.community))
    document.add_paragraph(dossier.made)
    if dossier.demo:
        document.add_paragraph(_("演示：这里的人、房子和票都是虚构的，不作任何凭证"))
    for section in dossier.sections:
        document.add_heading(section.title, level=1)
        for line in (*section.missing, *section.lines):
            document.add_paragraph(line)
        if section.rows:
            _tabbed(document, (section.header, *section.rows))
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _in_song(style: Any) -> None:
    """Name the fonts outright: a theme's own would win over them in headings."""
    style.font.name = SONG
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for script in ("ascii", "hAnsi", "eastAsia", "cs"):
        fonts.set(qn(f"w:{script}"), SONG)
        fonts.attrib.pop(qn(f"w:{script}Theme"), None)


def _page_number(paragraph: Any) -> None:
    """Number the pages by a field, as Word itself does it."""
    paragraph.alignment = 1
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    paragraph._p.append(field)  # noqa: SLF001 -- python-docx has no fields of its own


def _tabbed(document: Any, rows: Iterable[tuple[str, ...]]) -> None:
    """A table as lines with tabs: thousands of rows as cells would take a minute to make.

    The stops leave room for the widest letters that may stand in for SONG where it is not there.
    """
    for row in rows:
        paragraph = document.add_paragraph()
        paragraph.add_run("\t".join(row)).font.size = Pt(9)
        paragraph.paragraph_format.space_after = Pt(0)
        stops = paragraph.paragraph_format.tab_stops
        for at in TAB_STOPS:
            stops.add_tab_stop(Cm(at), WD_TAB_ALIGNMENT.LEFT)


def _opinions_csv(posts: Iterable[PostView]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_("时间"), _("身份"), _("意见"), _("处理"), _("理由"), _("改过"), _("回应")])
    for post in posts:
        row = (
            full_time_text(post.submitted_at),
            writer_of(post),
            post.text,
            disposition_badge(post.disposition)[1] if post.disposition else "",
            post.disposition_why,
            "；".join(earlier_words(one) for one in changed(post)),
            "；".join(f"{role_name(role)}：{text}" for role, text in answers_to(post)),
        )
        writer.writerow([plain(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")
