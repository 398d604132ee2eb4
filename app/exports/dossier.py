"""The consultation dossier (协商档案) of a topic: everything that belongs to it, in one archive.

What is missing is named as missing. Source: Organic Law of Urban Residents Committees (2025
revision), art. 39 (affairs archive); docs/rules.md, "Dossier".
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from docx import Document
from docx.oxml.ns import qn
from docx.shared import Pt
from flask_babel import gettext as _

from app.consultations import queries as topics
from app.consultations.rules import State
from app.consultations.words import form_name, outcome_sentence, state_badge
from app.core import clock, links
from app.core.pdf import compile_pdf
from app.core.times import end_text, time_text
from app.discussion import queries as opinions
from app.discussion.words import disposition_badge, role_name
from app.exports.cells import plain
from app.exports.queries import entries_about
from app.meetings import queries as meetings
from app.meetings.words import attendance_rows, off_banner
from app.projects import queries as projects
from app.ratings import queries as ratings
from app.voting import queries as voting

if TYPE_CHECKING:
    from app.communities.queries import CommunityView
    from app.consultations.queries import TopicView
    from app.discussion.queries import PostView
    from app.meetings.queries import MeetingView

SONG = "宋体"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its lines; no lines means that it is missing."""

    title: str
    lines: tuple[str, ...]

    @property
    def missing(self) -> bool:
        """Whether this belongs to a dossier and is not there."""
        return not self.lines


@dataclass(frozen=True, slots=True)
class Dossier:
    """A topic's dossier before it takes a form."""

    community: str
    title: str
    demo: bool
    made: str
    sections: tuple[Section, ...]


def dossier_of(place: CommunityView, topic_id: str) -> Dossier:
    """Put a topic's dossier together. Raises: NotFound."""
    topic = topics.topic(place.id, topic_id)
    held = meetings.meetings_about(place.id, topic.subject)
    said = opinions.opinions(place.id, topic.subject)
    sections = (
        Section(_("一、议题"), _topic_lines(topic)),
        Section(_("二、公告"), tuple(_notice_line(one) for one in held)),
        Section(_("三、议程"), tuple(line for one in held for line in _agenda_lines(one))),
        Section(_("四、会议材料"), tuple(name for one in held for name in one.materials)),
        Section(_("五、到场"), tuple(x for one in held for x in _attendance(place.id, one))),
        Section(_("六、居民意见和处理"), tuple(_opinion_line(post) for post in said)),
        Section(_("七、投票"), _votes(place.id, topic)),
        Section(_("八、会议纪要"), tuple(_minutes(one) for one in held if one.confirmed_at)),
        Section(_("九、协商意见"), _opinion(topic)),
        Section(_("十、公示和更正"), _publication(topic)),
        Section(_("十一、落实和评价"), _follow_up(place.id, topic)),
        Section(_("十二、公开记录"), _entries(place.id, topic, held)),
    )
    made = _("%(at)s 汇编", at=time_text(clock.now()))
    return Dossier(place.name, topic.line.title, place.demo, made, sections)


def _topic_lines(topic: TopicView) -> tuple[str, ...]:
    line = topic.line
    lines = [
        _("题目：%(title)s", title=line.title),
        _("提出：%(who)s，%(at)s", who=line.proposer, at=time_text(line.created_at)),
        _("形式：%(form)s", form=form_name(topic.form) or _("缺")),
        _("现状：%(state)s", state=state_badge(line.state)[1]),
    ]
    if line.state is State.REJECTED:
        # Of what was turned away only the title and the reason are public.
        return tuple(lines)
    lines.append(_("情况：%(text)s", text=topic.background))
    if topic.question:
        lines.append(_("要商量的问题：%(text)s", text=topic.question))
    if topic.parties:
        lines.append(_("协商主体：%(text)s", text=topic.parties.replace("\n", "；")))
    if topic.legal_note:
        lines.append(_("法律上的说明：%(text)s", text=topic.legal_note))
    return tuple(lines)


def _notice_line(meeting: MeetingView) -> str:
    line = _(
        "%(title)s：%(announced)s公告，%(starts)s在%(place)s，主持%(chair)s，记录%(recorder)s",
        title=meeting.title,
        announced=time_text(meeting.announced_at),
        starts=time_text(meeting.starts_at),
        place=meeting.place,
        chair=meeting.chair,
        recorder=meeting.recorder,
    )
    off = off_banner(meeting)
    return f"{line}（{off}：{meeting.reason}）" if off else line


def _agenda_lines(meeting: MeetingView) -> list[str]:
    return [
        _(
            "%(number)s. %(title)s（%(speaker)s，%(minutes)s 分钟）",
            number=number,
            title=item.title,
            speaker=item.speaker,
            minutes=item.minutes,
        )
        for number, item in enumerate(meeting.items, start=1)
    ]


def _attendance(community_id: int, meeting: MeetingView) -> list[str]:
    if meeting.closed_at is None:
        return []
    bands = attendance_rows(meetings.attendance(community_id, meeting.public_id))
    numbers = "，".join(f"{band} {number}" for band, number in bands)
    whole = _("%(title)s：到场 %(number)s 人", title=meeting.title, number=meeting.present)
    return [f"{whole}（{numbers}）"]


def _opinion_line(post: PostView) -> str:
    line = _(
        "%(who)s（%(at)s）：%(text)s ——%(disposition)s",
        who=role_name(post.role),
        at=time_text(post.submitted_at),
        text=post.text,
        disposition=disposition_badge(post.disposition)[1],
    )
    return f"{line}：{post.disposition_why}" if post.disposition_why else line


def _projects(community_id: int, topic: TopicView) -> list[str]:
    edges = links.edges_of(community_id, topic.subject)
    return [e.target.partition(":")[2] for e in edges if e.relation == "leads_to"]


def _votes(community_id: int, topic: TopicView) -> tuple[str, ...]:
    lines = [outcome_sentence(topic.outcome)] if topic.outcome else []
    for code in _projects(community_id, topic):
        for about in projects.polls_about(community_id, code):
            poll = voting.poll_view(community_id, about.public_id)
            if not poll.decided:
                lines.append(_("%(title)s：还没有结果", title=poll.title))
                continue
            result = voting.result_view(community_id, about.public_id)
            lines.append(
                _(
                    "%(kind)s“%(title)s”：%(sentence)s应参加 %(heads)s 户，参加 %(turnout)s 户。",
                    kind=poll.kind_name,
                    title=poll.title,
                    sentence=result.sentence,
                    heads=f"{poll.heads:,}",
                    turnout=f"{result.turnout:,}",
                )
            )
    return tuple(lines)


def _minutes(meeting: MeetingView) -> str:
    at = time_text(meeting.confirmed_at) if meeting.confirmed_at else ""
    return _(
        "%(title)s（%(at)s由第二人确认）：%(text)s",
        title=meeting.title,
        at=at,
        text=meeting.minutes_text,
    )


def _opinion(topic: TopicView) -> tuple[str, ...]:
    if not topic.opinion:
        return ()
    dissent = topic.dissent or _("没有")
    return (topic.opinion, _("保留意见：%(text)s", text=dissent))


def _publication(topic: TopicView) -> tuple[str, ...]:
    until = topic.line.publication_until
    if topic.published_at is None or until is None:
        return ()
    whole = _("%(at)s起公示，到%(until)s", at=time_text(topic.published_at), until=end_text(until))
    corrected = (
        _("更正（%(at)s）：%(text)s", at=time_text(at), text=text) for text, at in topic.corrections
    )
    return (whole, *corrected)


def _follow_up(community_id: int, topic: TopicView) -> tuple[str, ...]:
    lines = []
    if topic.task_owner and topic.line.task_due:
        due = time_text(topic.line.task_due)
        lines.append(_("%(owner)s落实，%(due)s前办完", owner=topic.task_owner, due=due))
    lines += [
        f"{time_text(move.at)} {state_badge(move.to)[1]}：{move.note}"
        for move in topic.moves
        if move.note
    ]
    for code in _projects(community_id, topic):
        project = projects.project(community_id, code)
        rounds = ratings.rounds(community_id, code)
        said = "；".join(
            _("第 %(n)s 次评价 %(p)s 分", n=one.number, p=one.overall)
            for one in rounds
            if one.questions
        )
        lines.append(f"{project.title}：{said}" if said else project.title)
    return tuple(lines)


def _entries(community_id: int, topic: TopicView, held: list[MeetingView]) -> tuple[str, ...]:
    subjects = [topic.subject, *(f"meeting:{one.public_id}" for one in held)]
    return tuple(
        f"{seq} {kind} {leaf}" for seq, kind, leaf in entries_about(community_id, subjects)
    )


# --- forms ---------------------------------------------------------------------------------------


def archive(place: CommunityView, topic_id: str) -> bytes:
    """The dossier as DOCX, PDF, JSON and CSV, with the SHA-256 of each in manifest.json."""
    dossier = dossier_of(place, topic_id)
    files = {
        "dossier.docx": as_docx(dossier),
        "dossier.pdf": as_pdf(dossier),
        "dossier.json": as_json(dossier),
        "opinions.csv": _opinions_csv(place.id, topic_id),
    }
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    files["manifest.json"] = json.dumps({"files": hashes}, indent=1).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as whole:
        for name, data in files.items():
            whole.writestr(name, data)
    return out.getvalue()


def as_json(dossier: Dossier) -> bytes:
    """The dossier for programs; a missing part has no lines."""
    whole = asdict(dossier)
    return json.dumps(whole, ensure_ascii=False, indent=1).encode()


def as_pdf(dossier: Dossier) -> bytes:
    """The dossier on paper, with page numbers."""
    return compile_pdf("dossier", asdict(dossier))


def as_docx(dossier: Dossier) -> bytes:
    """The dossier for Word; Chinese text in 宋体 whatever the machine."""
    document = Document()
    style = document.styles["Normal"]
    style.font.size = Pt(12)
    style.font.name = SONG
    style.element.rPr.rFonts.set(qn("w:eastAsia"), SONG)
    document.add_heading(dossier.title, level=0)
    document.add_paragraph(_("%(community)s 协商档案", community=dossier.community))
    document.add_paragraph(dossier.made)
    if dossier.demo:
        document.add_paragraph(_("演示：这里的人、房子和票都是虚构的，不作任何凭证"))
    for section in dossier.sections:
        document.add_heading(section.title, level=1)
        for line in section.lines or (_("缺：还没有这一部分。"),):
            document.add_paragraph(line)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _opinions_csv(community_id: int, topic_id: str) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_("时间"), _("身份"), _("意见"), _("处理"), _("理由"), _("回应")])
    for post in opinions.opinions(community_id, f"topic:{topic_id}"):
        row = (
            time_text(post.submitted_at),
            role_name(post.role),
            post.text,
            disposition_badge(post.disposition)[1] if post.disposition else "",
            post.disposition_why,
            "；".join(f"{role_name(one['role'])}：{one['text']}" for one in post.answers),
        )
        writer.writerow([plain(cell) for cell in row])
    return out.getvalue().encode("utf-8-sig")
