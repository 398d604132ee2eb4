"""What stands around every page: names, navigation, the view chosen, one-off messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import current_app, g, get_flashed_messages, request, url_for
from flask_babel import gettext as _

from app.communities import queries as communities
from app.communities.settings import of_page
from app.config import ROOT, SOME_COMMITTEE
from app.core import clock, guard, space
from app.core.actor import Role
from app.core.times import LANGUAGE_OF_RECORD
from app.people import browser
from app.people.rules import STAFF_WARNED, SessionLeft, is_use_noted, session_left

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask, Response

    from app.communities.queries import CommunityView
    from app.config import Settings
    from app.core.actor import Actor

VIEW_COOKIE = "linyi_view"
TEXT_SIZES = (20, 22, 24, 26, 28, 30)
ELDER_TEXT = 22
STAFF_HOME = "portal.staff_home"
# The switch is offered once there is a catalogue to switch to.
ENGLISH = (ROOT / "app" / "translations" / "en" / "LC_MESSAGES" / "messages.mo").exists()


# Desk pages that stand under another section's address, as whoever looks for them expects.
FOUND_UNDER = {
    "desk/letters": "desk/households",
    "desk/codes": "desk/households",
    "desk/corrections": "desk/households",
    "desk/visits": "desk/outreach",
    "desk/home-visits": "desk/outreach",
    "desk/proxies": "desk/outreach",
    "desk/repairs": "desk/ratings",
}


@dataclass(frozen=True, slots=True)
class NavItem:
    """One place to go."""

    label: str
    url: str
    icon: str
    current: bool


@dataclass(frozen=True, slots=True)
class Message:
    """A one-off notice after a redirect."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class View:
    """How this browser wants to read: remembered in a cookie of its own, which names nobody."""

    text_px: int = 0
    language: str = ""

    @property
    def elder(self) -> bool:
        """Whether the view for elders is on."""
        return self.text_px > 0

    def cookie(self) -> str:
        """The cookie's text."""
        return f"{self.text_px}.{self.language}"


@dataclass(frozen=True, slots=True)
class Chrome:
    """Everything base.html reads."""

    demo: bool
    elder: bool
    text_px: int
    language: str
    html_lang: str
    site_name: str
    community: CommunityView | None
    home_url: str
    audience: str
    nav: list[NavItem] = field(default_factory=list)
    who: str = ""
    acting: str = ""
    homes_url: str = ""
    sign_out_url: str = ""
    sign_in_url: str = ""
    operator: str = ""
    complaint_phone: str = ""
    complaint_url: str = ""
    icp: str = ""
    owners_advisory: bool = False
    here: str = "/"
    other_language: str = ""
    unread: int = 0
    inbox_url: str = ""
    smaller: int = 0
    larger: int = 0
    privacy_url: str = ""
    help_url: str = ""
    record_url: str = ""
    board_url: str = ""
    account_url: str = ""
    left: SessionLeft | None = None
    warned: int = 0
    read_only: bool = False
    messages: list[Message] = field(default_factory=list)


def read_view(cookie: str) -> View:
    """What the view cookie says; anything else is the normal view."""
    parts = cookie.partition(".")
    size, language = parts[0], parts[2]
    text_px = int(size) if size.isdecimal() and int(size) in TEXT_SIZES else 0
    return View(text_px, language if language in {"zh", "en"} else "")


def locale() -> str:
    """The language of this request: chosen, else the browser's first of the two, else Chinese."""
    if not ENGLISH:
        return LANGUAGE_OF_RECORD
    chosen = read_view(request.cookies.get(VIEW_COOKIE, "")).language if request else ""
    return "en" if (chosen or _first_known()) == "en" else LANGUAGE_OF_RECORD


def _first_known() -> str:
    """The first of the browser's languages that is ours; zh-CN before a bare en is Chinese."""
    wanted = request.accept_languages.values() if request else ()
    ours = (tag.partition("-")[0].lower() for tag in wanted)
    return next((language for language in ours if language in {"zh", "en"}), "")


def init(app: Flask) -> None:
    """Give templates `chrome`, and static addresses that change with the file."""
    # One value for a request; a proxy would cost more on every look than making it costs once.
    app.context_processor(lambda: {"chrome": _once()})
    app.after_request(_vary)


def _once() -> Chrome:
    if "chrome" not in g:
        g.chrome = build()
    chrome: Chrome = g.chrome
    return chrome


def _vary(answer: Response) -> Response:
    if answer.mimetype == "text/html":
        answer.vary.update(["Cookie", "Accept-Language"])
    return answer


def build() -> Chrome:
    """Put the page's surroundings together; no statement beyond what the guard has read.

    Only for whoever has several households, one that says which they act for.
    """
    settings = current_app.config["SETTINGS"]
    view = read_view(request.cookies.get(VIEW_COOKIE, ""))
    community = _community()
    actor = browser.current_actor()
    language = "en" if locale() == "en" else "zh"
    said = _said()
    return Chrome(
        demo=community.demo if community else communities.any_demo(),
        elder=view.elder,
        text_px=view.text_px,
        language=language,
        html_lang="en" if language == "en" else "zh-Hans",
        site_name=_("邻议"),
        community=community,
        home_url=_home(community),
        audience=_audience(actor),
        nav=_navigation(actor, community),
        who=actor.display or g.get("household_text", ""),
        acting=_acting(actor, community),
        homes_url=address("people.homes", code=community.code, next=_here()) if community else "",
        sign_out_url=address("people.sign_out") if actor.person_id else "",
        sign_in_url="" if actor.person_id else address("people.enter"),
        operator=said.get("operator") or _operator(settings, community),
        complaint_phone=_complaint_phone(settings, community, said),
        complaint_url=address("portal.complaints"),
        icp=said.get("icp", settings.icp),
        owners_advisory=said.get("owners_advisory") == "yes",
        here=_here(),
        unread=_unread(),
        inbox_url=_inbox(actor, community),
        other_language=("zh" if language == "en" else "en") if ENGLISH else "",
        smaller=_next_size(view, -1),
        larger=_next_size(view, 1),
        privacy_url=address("portal.privacy"),
        help_url=address("help.index"),
        record_url=address("exports.record", code=community.code) if community else "",
        board_url=address("portal.notice_board", code=community.code) if community else "",
        account_url=address("account.show") if actor.is_staff else "",
        left=_left(actor),
        warned=STAFF_WARNED // timedelta(seconds=1),
        read_only=space.watch().full(),
        messages=[Message(kind, text) for kind, text in _messages()],
    )


def _said() -> Mapping[str, str]:
    """What holds at the place of this page, else in the city; nothing without a database."""
    if g.get("without_database"):
        return {}
    place = g.get("place")
    known = communities.CommunityView, communities.AreaView
    return of_page(place if isinstance(place, known) else None)


def _complaint_phone(
    settings: Settings, community: CommunityView | None, said: Mapping[str, str]
) -> str:
    phone = said.get("complaint_phone") or settings.complaint_phone
    return phone or (community.desk_phone if community else "")


def _operator(settings: Settings, community: CommunityView | None) -> str:
    """Who answers for this page; what an installation calls itself is never translated."""
    if community is not None:
        return _("%(community)s居民委员会", community=community.name)
    place = g.get("place")
    if isinstance(place, communities.AreaView) and settings.operator == SOME_COMMITTEE:
        return place.name
    return _("社区居民委员会") if settings.operator == SOME_COMMITTEE else settings.operator


def _unread() -> int:
    signed_in = browser.current()
    return signed_in.unread if signed_in else 0


def _left(actor: Actor) -> SessionLeft | None:
    """How long somebody who works here may leave this page alone; None for everybody else."""
    signed_in = browser.current()
    if signed_in is None or not (signed_in.staff and actor.is_staff):
        return None
    now = clock.now()
    # This very look is written down once the page is made, unless the last one was just now.
    seen = now if is_use_noted(signed_in.last_seen_at, now) else signed_in.last_seen_at
    return session_left(last_seen_at=seen, expires_at=signed_in.expires_at, now=now)


def _acting(actor: Actor, community: CommunityView | None) -> str:
    """The household somebody with several acts for in this community; empty for anybody else."""
    home = actor.home_in(community.id) if community and len(actor.homes) > 1 else None
    return communities.address_of(home.community_id, home.household_id).short if home else ""


def _inbox(actor: Actor, community: CommunityView | None) -> str:
    if community is None or not actor.person_id or not guard.may_open("people.inbox"):
        return ""
    return address("people.inbox", code=community.code)


def _here() -> str:
    """Where to come back to: the page itself, or its own address when a form was sent."""
    path = request.full_path.rstrip("?") if request.method == "GET" else request.path
    return path if path.isprintable() else address("portal.front")


def _next_size(view: View, step: int) -> int:
    """The next text size in that direction; 0 at the end of the scale."""
    if view.text_px not in TEXT_SIZES:
        return 0
    position = TEXT_SIZES.index(view.text_px) + step
    return TEXT_SIZES[position] if 0 <= position < len(TEXT_SIZES) else 0


def address(endpoint: str, **values: Any) -> str:
    """The address of an endpoint; empty where an installation leaves the feature out."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else ""


def _messages() -> list[tuple[str, str]]:
    flashed: Any = get_flashed_messages(with_categories=True)
    return [(str(kind), str(text)) for kind, text in flashed]


def _community() -> CommunityView | None:
    """The community of the address, else the resident's own."""
    place = g.get("place")
    if isinstance(place, communities.CommunityView):
        return place
    return None


def _audience(actor: Actor) -> str:
    if actor.is_staff:
        return "desk"
    return "resident" if actor.person_id else "visitor"


def _home(community: CommunityView | None) -> str:
    if community is None:
        return address("portal.front")
    return address("portal.community_home", code=community.code)


def _navigation(actor: Actor, community: CommunityView | None) -> list[NavItem]:
    if community is None:
        return []
    place_code = community.code
    return [
        NavItem(label, url, icon, request.endpoint == endpoint or _is_within(url))
        for label, endpoint, icon in _rows_for(actor, community)
        if endpoint in current_app.view_functions and guard.may_open(endpoint)
        for url in [address(endpoint, **({} if endpoint == STAFF_HOME else {"code": place_code}))]
    ]


def _is_within(url: str) -> bool:
    """Whether this page lies under a section's address, or where somebody would look for it."""
    here, section = _section(request.path), _section(url)
    return section != "" and section == FOUND_UNDER.get(here, here)


def _section(path: str) -> str:
    """What comes after a community's code, `desk/` included; empty at home and outside of any."""
    outside, parts = "/c/", path.split("/")[3:]
    if not path.startswith(outside) or not parts:
        return ""
    first, then = parts[0], parts[1] if len(parts) > 1 else ""
    if first != "desk":
        return first
    return f"desk/{then}" if then else ""


def _rows_for(actor: Actor, community: CommunityView) -> list[tuple[str, str, str]]:
    desk = Role.CLERK, Role.COMMITTEE, Role.COMMITTEE_CHAIR, Role.SUPERVISOR
    if any(actor.has(role, community.id) for role in desk):
        return _desk_rows()
    if actor.has(Role.DESIGNER, community.id):
        return [(_("我的方案"), "portal.designer", "me"), *_public_rows()]
    if actor.is_staff:
        # Whoever is above, or keeps the installation, may give roles here; nobody else sees it.
        roles = (_("谁在做什么"), "roles.desk", "households")
        return [(_("我的工作"), STAFF_HOME, "me"), *_public_rows(), roles]
    return [*_public_rows(), (_("我的"), "people.mine", "me")]


def _desk_rows() -> list[tuple[str, str, str]]:
    return [
        (_("今天要办"), "portal.desk", "home"),
        (_("议题"), "consultations.desk", "talk"),
        (_("会议"), "meetings.desk", "clock"),
        (_("意见审核"), "discussion.desk", "check"),
        (_("投票"), "voting.desk", "vote"),
        (_("项目"), "projects.desk", "project"),
        (_("评价和返修"), "ratings.desk", "star"),
        (_("居民公约"), "conventions.desk", "pact"),
        (_("住户和编码"), "people.desk", "households"),
        (_("不用手机的住户"), "assisting.desk_outreach", "letter"),
        (_("户底册"), "communities.roll", "roll"),
        (_("谁在做什么"), "roles.desk", "me"),
        (_("参加的单位"), "bodies.desk", "households"),
        (_("记录和导出"), "exports.desk", "record"),
        (_("设置"), "settings.desk", "info"),
    ]


def _public_rows() -> list[tuple[str, str, str]]:
    return [
        (_("首页"), "portal.community_home", "home"),
        (_("议事"), "consultations.index", "talk"),
        (_("项目"), "projects.index", "project"),
    ]
