"""Shared topics for everybody, the opinions of residents, and lifting by a committee."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from app.bodies import queries as bodies
from app.bodies.steps import Scoped, register_scopes
from app.communities.queries import area_by_code
from app.consultations.steps import Elsewhere, register_lifted, register_shared
from app.core import guard, web
from app.core.actor import Role
from app.discussion.rules import PostState
from app.discussion.words import disposition_badge, reason_text, state_badge
from app.people import browser
from app.people.models import PersonNoticeKind
from app.people.steps import News, register_address, register_news
from app.policy.table import Permission
from app.sharing import operations, queries, saying, words
from app.sharing.forms import AppealForm, OpinionForm, ReasonForm
from app.sharing.rules import SharedState

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from app.bodies.queries import ActingView
    from app.sharing.queries import SharedView

bp = Blueprint("sharing", __name__)
bp.add_app_template_filter(words.writer, "shared_writer")
REFUSED = 422


@bp.get("/d/<jurisdiction>/topics/")
@guard.public
def index(jurisdiction: str) -> ResponseReturnValue:
    """Show what communities of this place talk over together."""
    lines = queries.shared_of_area(g.place.id)
    return render_template(
        "sharing/index.html",
        place=g.place,
        here=jurisdiction,
        lines=[(line, words.badge(line)) for line in lines],
    )


@bp.get("/d/<jurisdiction>/topics/<shared_id>")
@guard.public
def show(jurisdiction: str, shared_id: str) -> ResponseReturnValue:  # noqa: ARG001
    """Show a shared topic: what is asked, what residents said, what came of it."""
    return _page(queries.shared_topic(g.place.id, shared_id))


@dataclass(frozen=True, slots=True)
class Voice:
    """A community from which the reader can write on a shared topic, and in whose names."""

    code: str
    name: str
    resident: bool
    bodies: list[ActingView]


def _voices(shared: SharedView) -> list[Voice]:
    """From where the reader can write: where they live before where they only act for a body."""
    actor = browser.current_actor()
    found = [
        Voice(code, name, actor.home_in(place) is not None, _bodies_of(place, shared.public_id))
        for place, code, name in shared.communities
    ]
    return sorted(
        (one for one in found if one.resident or one.bodies), key=lambda v: not v.resident
    )


def _bodies_of(community_id: int, shared_id: str) -> list[ActingView]:
    """The bodies of a community in whose names the reader can speak of a topic it shares."""
    actor = browser.current_actor()
    if not actor.has(Role.BODY, community_id):
        return []
    made_of = queries.topics_within(community_id).get(shared_id, ())
    things = (f"shared:{g.place.code}/{shared_id}", *made_of)
    return bodies.speaks_for(community_id, actor.person_id, things)


def _page(
    shared: SharedView, tried: OpinionForm | None = None, code: str = ""
) -> ResponseReturnValue:
    """The page of a shared topic, with a form for one of the communities one can write from."""
    actor, voices = browser.current_actor(), _voices(shared)
    voice = next((one for one in voices if one.code == code), voices[0] if voices else None)
    form = tried or OpinionForm(formdata=None, data={"once": secrets.token_hex(16)})
    if voice is not None:
        form.offer(voice.bodies, resident=voice.resident)
        if tried is None:
            form.body.data = form.body.choices[0].value
    mine = [one for one in shared.communities if _has_to_do(one[0])]
    return render_template(
        "sharing/show.html",
        place=g.place,
        shared=shared,
        badge_of=words.badge(shared),
        until=words.until_text(shared),
        opinions=[
            (one, disposition_badge(one.disposition))
            for one in queries.opinions(shared.id, PostState.PUBLISHED)
        ],
        hidden=len(queries.opinions(shared.id, PostState.HIDDEN)),
        code=mine[0][1] if mine else "",
        own=[
            (one, state_badge(one.state), reason_text(one.reason), code)
            for place, code, _name in mine
            for one in queries.own_opinions(place, actor.require_person(), shared.id)
        ],
        voice=voice,
        others=[one for one in voices if one is not voice],
        mute=not voices and any(actor.has(Role.BODY, place) for place, *_rest in mine),
        visitor=actor.person_id is None,
        form=form,
    ), (REFUSED if tried else 200)


def _has_to_do(community_id: int) -> bool:
    """Whether the reader lives in a community, or acts for a body there."""
    actor = browser.current_actor()
    return actor.home_in(community_id) is not None or actor.has(Role.BODY, community_id)


@bp.route("/c/<code>/shared/<shared_id>", methods=["GET", "POST"])
@guard.needs(Permission.SHARED_WRITE)
def say(code: str, shared_id: str) -> ResponseReturnValue:
    """Write an opinion on a topic that one's community shares, for oneself or for a body."""
    shared = queries.shared_here(g.place.id, shared_id)
    area = queries.area_of(g.place.id, shared_id)
    form = OpinionForm()

    def act() -> None:
        saying.write_opinion(
            browser.current_actor(),
            community_id=g.place.id,
            shared_id=shared_id,
            text=form.text.data or "",
            once=form.once.data or secrets.token_hex(16),
            body=form.body.data or "",
        )

    if request.method == "POST" and web.carried_out(form, act):
        web.tell("done", _("已收到。街道审核以后公布，有了结果会在“消息”里告诉您。"))
        return redirect(url_for("sharing.show", jurisdiction=area, shared_id=shared_id), 303)
    g.place = area_by_code(area)
    return _page(shared, form if request.method == "POST" else None, code)


@bp.route("/c/<code>/shared/opinions/<opinion_id>/appeal", methods=["GET", "POST"])
@guard.needs(Permission.SHARED_WRITE)
def appeal_own(code: str, opinion_id: str) -> ResponseReturnValue:
    """Show one's own opinion that was given back or hidden; ask the place above to look again."""
    one, shared_id = queries.own_opinion(
        g.place.id, browser.current_actor().require_person(), opinion_id
    )
    form = AppealForm()
    back = url_for(
        "sharing.show", jurisdiction=queries.area_of(g.place.id, shared_id), shared_id=shared_id
    )

    def act() -> None:
        saying.appeal_opinion(
            browser.current_actor(),
            community_id=g.place.id,
            opinion_id=opinion_id,
            text=form.text.data or "",
        )

    if web.carried_out(form, act):
        web.tell("done", _("申诉已交上去，由上一级的另一个人来看，有了答复会在“消息”里告诉您。"))
        return redirect(back, 303)
    page = render_template(
        "sharing/appeal_own.html",
        place=g.place,
        here=code,
        back_to=back,
        opinion=one,
        state=state_badge(one.state),
        reason=reason_text(one.reason),
        form=form,
    )
    return page, REFUSED if request.method == "POST" else 200


@bp.route("/c/<code>/desk/topics/<topic_id>/lift", methods=["POST"])
@guard.needs(Permission.TOPIC_HANDLE)
def lift(code: str, topic_id: str) -> ResponseReturnValue:
    """Lift a topic to the subdistrict, with a reason."""
    form = ReasonForm()

    def act() -> None:
        operations.lift_topic(
            browser.current_actor(),
            community_id=g.place.id,
            topic_id=topic_id,
            reason=form.reason.data or "",
        )

    if web.carried_out(form, act):
        web.tell("done", _("已提到街道，记入公开记录。街道退回或接下，都会写明。"))
    else:
        web.tell("refused", " ".join(map(str, form.form_errors)) or _("没有办成，请再试一次。"))
    return redirect(url_for("consultations.desk_topic", code=code, topic_id=topic_id), 303)


# --- for the rooms below -----------------------------------------------------------------------


def _elsewhere(line: queries.SharedLine) -> Elsewhere:
    url = url_for("sharing.show", jurisdiction=line.area, shared_id=line.public_id)
    return Elsewhere(line.title, url, words.badge(line)[1], line.state is SharedState.OPEN)


@register_shared
def shared_in(community_id: int) -> list[Elsewhere]:
    """What a community shares, for its list of topics."""
    return [_elsewhere(line) for line in queries.shared_in(community_id)]


@register_lifted
def lifted_to(community_id: int, subject: str) -> Elsewhere | None:
    """What a community's topic became, for its page."""
    found = queries.lifted_to(community_id, subject)
    if found is None:
        return None
    for line in queries.shared_in(community_id):
        if (line.area, line.public_id) == found:
            return _elsewhere(line)
    return None


def _address(community_id: int, rest: str) -> tuple[str, str]:
    area, _slash, shared_id = rest.partition("/")
    shared = queries.shared_here(community_id, shared_id)
    return shared.title, url_for("sharing.show", jurisdiction=area, shared_id=shared_id)


def _news(community_id: int, news: News) -> str:  # noqa: ARG001 -- as the room below asks
    if news.kind is PersonNoticeKind.POST_DISPOSED:
        result = disposition_badge(news.detail)[1]
        return _("您的意见有了处理结果：%(result)s", result=result)
    if news.kind is PersonNoticeKind.POST_RETURNED:
        return _("您的意见退回来了，理由：%(reason)s", reason=reason_text(news.detail))
    if news.kind is PersonNoticeKind.POST_HIDDEN:
        return _("您的意见被隐藏了，理由：%(reason)s", reason=reason_text(news.detail))
    if news.kind is PersonNoticeKind.APPEAL_ANSWERED:
        return _("您的申诉有了答复：维持原来的处理")
    if news.kind is PersonNoticeKind.POST_PUBLISHED and news.detail == "appealed":
        return _("您的申诉成立，意见重新公布了")
    return ""


def _scopes(community_id: int) -> list[Scoped]:
    """The shared topics in which somebody can act for a body; each with what it was made of."""
    within = queries.topics_within(community_id)
    return [
        Scoped(
            f"shared:{line.area}/{line.public_id}",
            line.title,
            line.state is SharedState.OPEN,
            within.get(line.public_id, ()),
        )
        for line in queries.shared_in(community_id)
    ]


register_scopes("shared", _scopes)
register_address("shared", _address)
register_news("shared", _news)
