"""Take the pictures of the guides and of the README again, from the demo city in a real browser.

    python tools/pictures.py [--only WORDS]

Guides' pictures go to `templates/print/guide/` (JPEG, which goes into a PDF as it is, at most
60 KB each, where the layout can see them), the README's to `docs/pictures/`. Run it after a page
has changed, and look at what it took.
"""

from __future__ import annotations

import argparse
import io
import logging
import re
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyotp
from flask_migrate import upgrade
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import select
from werkzeug.serving import make_server

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app import config, create_app  # noqa: E402 -- the project is beside this folder
from app.communities.queries import buildings, community_by_code  # noqa: E402
from app.consultations.queries import public_topics  # noqa: E402
from app.conventions.queries import versions  # noqa: E402
from app.core import clock  # noqa: E402
from app.core.actor import Role  # noqa: E402
from app.core.db import db, transaction  # noqa: E402
from app.designs.models import Proposal  # noqa: E402
from app.meetings.queries import meetings_of  # noqa: E402
from app.people import secrets_box  # noqa: E402
from app.people.models import Membership, StaffAccount  # noqa: E402
from app.people.steps import GivenRole, give_role  # noqa: E402
from app.policy.roles import group_scope  # noqa: E402
from app.portal import demo, demo_sign_in  # noqa: E402
from app.portal.queries import home_polls  # noqa: E402
from app.roles.queries import waiting  # noqa: E402
from app.sharing.queries import shared_of_area, waiting_lifts  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

GUIDE = ROOT / "templates" / "print" / "guide"
README = ROOT / "docs" / "pictures"
MOST_BYTES = 60 * 1024
# A phone in the hand, a desk's screen as wide as the rail needs.
PHONE, DESK = (390, 780), (960, 640)
CHROMIUM = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")


def answered(page: Page) -> None:
    """Wait for the answer to a form, which a script sends behind its page."""
    page.locator("form[data-sent]").wait_for(state="detached")
    page.wait_for_load_state()


@dataclass
class City:
    """The demo city behind an address, with what leads into it."""

    app: Flask
    address: str
    letters: list[tuple[str, str, str]]

    def staff(self, page: Page, name: str) -> None:
        """Come in as one of the demo's staff."""
        with self.app.app_context():
            with transaction() as session:
                account = session.scalars(
                    select(StaffAccount).where(StaffAccount.sign_in_name == name)
                ).one()
                account.last_totp_step = 0
                secret = secrets_box.unseal(account.totp_secret)
            db.session.remove()
        page.goto("/staff/sign-in")
        page.get_by_label("登录名").fill(name)
        page.get_by_label("密码").fill(demo.PASSWORD)
        page.get_by_label("六位动态码").fill(pyotp.TOTP(secret).at(clock.now()))
        page.get_by_role("main").get_by_role("button").click()
        answered(page)

    def fill_letter(self, page: Page) -> None:
        """Fill in the door's form by the next unused letter."""
        code, fact, _home = self.letters.pop(0)
        page.goto("/e")
        page.get_by_label("信上的编码").fill(code)
        page.get_by_label("手机号后四位").fill(fact)
        page.get_by_label("我已满 18 周岁").check()


class Camera:
    """Takes a page's picture into a guide or the README."""

    def __init__(self, browser: Browser, city: City, only: str) -> None:
        self.browser, self.city, self.only = browser, city, only

    def page(self, size: tuple[int, int], *, elder: bool = False) -> Page:
        """A browser of its own, sharp enough for paper."""
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            device_scale_factor=2 if size == PHONE else 1.5,
            locale="zh-CN",
            base_url=self.city.address,
        )
        if elder:
            view = {"name": "linyi_view", "value": "22.", "url": self.city.address}
            context.add_cookies([view])  # type: ignore[list-item]
        return context.new_page()

    def guide(self, page: Page, name: str, address: str = "") -> None:
        """A guide's picture: as good as 60 KB allow."""
        self._take(page, name, address, self._jpeg)

    def readme(self, page: Page, name: str, address: str = "", height: int = 0) -> None:
        """A picture of the README: PNG of few colours; `height` shows more than a screen."""
        usual = page.viewport_size or {"width": PHONE[0], "height": PHONE[1]}
        page.set_viewport_size({**usual, "height": height or usual["height"]})
        page.evaluate("window.scrollTo(0, 0)")
        self._take(page, name, address, self._png)
        page.set_viewport_size(usual)

    def _take(
        self, page: Page, name: str, address: str, keep: Callable[[Image.Image, str], None]
    ) -> None:
        if address:
            page.goto(address)
        if re.search(self.only, name):
            page.mouse.move(0, 0)
            keep(Image.open(io.BytesIO(page.screenshot())).convert("RGB"), name)

    def _jpeg(self, picture: Image.Image, name: str) -> None:
        picture.thumbnail((1100, 1560))
        for quality in range(80, 20, -5):
            data = io.BytesIO()
            picture.save(data, "JPEG", quality=quality, optimize=True, progressive=True)
            if data.tell() <= MOST_BYTES:
                break
        (GUIDE / f"{name}.jpg").write_bytes(data.getvalue())
        print(f"{name}.jpg {data.tell()} bytes, quality {quality}")

    def _png(self, picture: Image.Image, name: str) -> None:
        half = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)
        path = README / f"{name}.png"
        half.quantize(64).save(path, optimize=True)
        print(f"{name}.png {path.stat().st_size} bytes")


def residents(camera: Camera, city: City, open_poll: str) -> None:
    """From the letter to the receipt, and the view for elders."""
    page = camera.page(PHONE)
    city.fill_letter(page)
    page.evaluate("window.scrollTo(0, 0)")
    camera.guide(page, "enter")
    page.get_by_role("main").get_by_role("button", name="进入").click()
    answered(page)
    page.goto(f"/c/HXL/votes/{open_poll}/ballot")
    page.get_by_role("radio", name="同意", exact=True).check()
    camera.readme(page, "ballot", height=1300)
    page.evaluate("document.getElementById('choices').scrollIntoView()")
    page.mouse.wheel(0, -330)
    page.wait_for_function("window.scrollY > 100")
    camera.guide(page, "ballot")
    page.get_by_role("main").get_by_role("button", name="提交选票").click()
    page.wait_for_url("**/receipt*")
    camera.guide(page, "receipt")
    camera.readme(page, "receipt", height=1100)
    camera.readme(camera.page(PHONE, elder=True), "elder", "/c/HXL/", height=1100)


def visitors(camera: Camera, names: dict[str, str]) -> None:
    """What anybody may read."""
    page = camera.page(PHONE)
    camera.readme(page, "result", f"/c/HXL/votes/{names['result']}/result", height=1300)
    camera.readme(page, "topic", f"/c/HXL/topics/{names['topic']}")
    camera.readme(page, "chain", "/c/HXL/projects/P10")
    camera.readme(page, "convention", f"/c/HXL/convention/{names['version']}")
    camera.readme(page, "rating", "/c/HXL/projects/P10/rating")


def desks(camera: Camera, city: City, names: dict[str, str]) -> None:
    """The desk of each staff role."""
    shots = {
        "gongzuo": {
            "today": "desk/",
            "roll": "desk/roll",
            "letters": "desk/letters",
            "households": "desk/households",
            "topics": "desk/topics",
            "posts": "desk/posts",
        },
        "zhuren": {
            "roles": "desk/roles",
            "role_proposal": f"desk/roles/proposals/{names['proposal']}",
            "stand_in": "desk/roles/stand-in",
        },
        "weiyuan": {
            "projects": "desk/projects",
            "draft": "desk/votes/new/yes_no",
            "votes": "desk/votes",
            "ratings": "desk/ratings",
            "meeting": f"desk/meetings/{names['meeting']}",
        },
        "jiandu": {"watch": f"desk/votes/{names['open']}", "records": "desk/records"},
        "sheji": {
            "designer": "designer",
            "proposal": "designer/new",
            "design": f"designs/{names['design']}#opinions",
            "revise": f"designer/{names['design']}/revise",
        },
    }
    for name, pages in shots.items():
        page = camera.page(DESK)
        city.staff(page, name)
        for picture, address in pages.items():
            camera.guide(page, picture, f"/c/HXL/{address}")
    page = camera.page(DESK)
    city.staff(page, "jiandu")
    camera.guide(page, "appeals", "/c/HXL/desk/posts")
    camera.guide(page, "record", "/c/HXL/record")
    city.staff(page, "quji")
    camera.guide(page, "district", "/d/YT/")
    camera.guide(page, "board", "/c/HXL/board")
    city.staff(page, "jiedao")
    camera.guide(page, "street", "/d/BY/")
    camera.guide(page, "settings", "/d/BY/settings")
    camera.guide(page, "lifted", f"/d/BY/desk/lifted/{names['lift']}")
    camera.guide(page, "shared_desk", f"/d/BY/desk/topics/{names['shared']}")
    wide = camera.page((1280, 800))
    city.staff(wide, "gongzuo")
    camera.readme(wide, "desk", "/c/HXL/desk/")


def roles_of_residents(camera: Camera, city: City, names: dict[str, str]) -> None:
    """What a representative and a meeting's recorder see on their phones."""
    page = camera.page(PHONE)
    city.fill_letter(page)
    page.get_by_role("main").get_by_role("button", name="进入").click()
    answered(page)
    with city.app.app_context():
        place = community_by_code("HXL")
        group = group_scope(one.id for one in buildings(place.id)[:2])
        with transaction() as session:
            newest = select(Membership.person_id).order_by(Membership.id.desc()).limit(1)
            person = session.scalars(newest).one()
            until = clock.now() + timedelta(days=300)
            for role, scope in (
                (Role.REPRESENTATIVE, group),
                (Role.MEETING_RECORDER, f"meeting:{names['meeting']}"),
            ):
                give_role(session, person, place.id, GivenRole(role, scope, until))
        db.session.remove()
    camera.guide(page, "representative", "/c/HXL/my/representative")
    camera.guide(page, "meeting_page", f"/c/HXL/meetings/{names['meeting']}")
    camera.guide(page, "recorder", f"/c/HXL/desk/meetings/{names['meeting']}")
    page.evaluate("document.querySelector('textarea').scrollIntoView({block: 'center'})")
    page.wait_for_timeout(300)
    camera.guide(page, "minutes")


def administrators(camera: Camera, city: City) -> None:
    """Setting a community up."""
    page = camera.page(DESK)
    city.staff(page, "guanli")
    camera.guide(page, "system", "/system/")
    camera.guide(page, "start", "/system/communities/new")
    page.goto("/system/communities/HXL/people/clerk")
    page.get_by_label("姓名").fill("王芳")
    page.get_by_label("登录名").fill("wangfang")
    page.get_by_role("button", name="建账号，出登录纸条").click()
    answered(page)
    camera.guide(page, "slip")
    camera.guide(page, "handover", "/system/communities/HXL/")


def letter(camera: Camera, city: City, folder: Path) -> None:
    """The first page of a letter, as it is printed."""
    page = camera.page(DESK)
    city.staff(page, "gongzuo")
    page.goto("/c/HXL/desk/households?search=3-2-501")
    page.get_by_role("main").get_by_role("list").get_by_role("link").first.click()
    page.get_by_role("link", name="重新印一封信").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name=re.compile("生成 .+ 封信")).click()
    pdf = folder / "letter.pdf"
    pdf.write_bytes(waiting.value.path().read_bytes())
    subprocess.run(["pdftoppm", "-r", "120", "-png", pdf, folder / "letter"], check=True)
    (drawn,) = folder.glob("letter*.png")
    picture = Image.open(drawn).convert("RGB")
    if re.search(camera.only, "letter"):
        camera._png(picture, "letter")  # noqa: SLF001 -- the same hand


def main() -> int:
    """Build the demo city in a folder of its own and walk through it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="take pictures whose name this pattern finds")
    only = parser.parse_args().only
    logging.disable(logging.CRITICAL)
    GUIDE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as kept:
        app = create_app(config.from_environment({"LINYI_DATA_DIR": kept}))
        names, letters = build(app)
        server = make_server("localhost", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        city = City(app, f"http://localhost:{server.server_port}", letters)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=[*CHROMIUM]
            )
            camera = Camera(browser, city, only)
            residents(camera, city, names["open"])
            visitors(camera, names)
            desks(camera, city, names)
            roles_of_residents(camera, city, names)
            administrators(camera, city)
            letter(camera, city, Path(kept))
            browser.close()
        server.shutdown()
    return 0


def build(app: Flask) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
    """Make the demo city; gives what its addresses name, and letters to come in by."""
    with app.app_context():
        upgrade(str(ROOT / "migrations"))
        demo.build()
        place = community_by_code("HXL")
        polls = home_polls(place.id, None)
        names = {
            "open": next(p.public_id for p in polls.going_on if p.kind == "preference_poll"),
            "result": polls.decided[0].public_id,
            "topic": public_topics(place.id)[0].public_id,
            "meeting": meetings_of(place.id)[-1].public_id,
            "design": db.session.scalars(select(Proposal.public_id)).first() or "",
            "proposal": str(waiting(place.place)[0].id),
            "lift": waiting_lifts(place.jurisdiction_ids[0])[0].public_id,
            "shared": shared_of_area(place.jurisdiction_ids[0])[0].public_id,
            "version": str(max(one.number for one in versions(place.id))),
        }
        letters = demo_sign_in.codes("HXL", 20)
        db.session.remove()
    return names, letters


if __name__ == "__main__":
    sys.exit(main())
