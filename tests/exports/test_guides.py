"""Each role's guide is one page that says where to go, shows real pages, and can be read aloud."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from app.config import ROOT
from app.core.actor import Role
from app.core.errors import NotFound
from app.exports import guides
from tests.portal.test_cli import run
from tests.support.checked_client import CheckedClient
from tests.support.world import World

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

PICTURES = ROOT / "templates" / "print" / "guide"


def read(pdf: Path) -> tuple[int, str]:
    """A PDF's number of pages, and its text in one line."""
    about = subprocess.run(["pdfinfo", str(pdf)], capture_output=True, text=True, check=True)
    text = subprocess.run(["pdftotext", str(pdf), "-"], capture_output=True, text=True, check=True)
    pages = re.search(r"Pages:\s+(\d+)", about.stdout)
    assert pages is not None
    return int(pages[1]), "".join(text.stdout.split())


@pytest.mark.parametrize("role", guides.ROLES)
def test_a_guide_is_one_page_that_opens_and_names_the_desk(
    web_app: Flask, tmp_path: Path, role: Role
) -> None:
    World(web_app).community("HXL", 1)
    out = tmp_path / "guide.pdf"
    status, said = run(web_app, "guide", role.value, "-o", str(out), "--community", "HXL")
    assert (status, said) == (0, f"role={role.value} bytes={out.stat().st_size}\n")
    pages, text = read(out)
    assert pages == 1
    assert "HXL社区" in text
    assert "10000000001" in text
    assert "localhost:8000/" + ("e" if role in guides.BY_LETTER else "staff/sign-in") in text
    images = subprocess.run(
        ["pdfimages", "-list", str(out)], capture_output=True, text=True, check=True
    )
    assert images.stdout.count(" image ") >= 3
    assert out.stat().st_size < 600 * 1024


def test_every_step_has_its_picture_and_no_picture_is_heavy_or_left_over(web_app: Flask) -> None:
    with web_app.test_request_context():
        used = {
            step.picture
            for role in guides.ROLES
            for step in guides.guide(role, "http://x", guides.Desk()).steps
        }
    there = {path.stem: path for path in PICTURES.iterdir()}
    assert set(there) == used
    for path in there.values():
        assert path.stat().st_size <= 60 * 1024, path
        assert Image.open(path).size >= (700, 500), path


def test_the_residents_guide_is_set_large(web_app: Flask, tmp_path: Path) -> None:
    out = tmp_path / "guide.pdf"
    assert run(web_app, "guide", "resident", "-o", str(out))[0] == 0
    html = subprocess.run(
        ["pdftotext", "-bbox-layout", str(out), "-"], capture_output=True, text=True, check=True
    ).stdout
    word = re.search(r'yMin="([\d.]+)" xMax="[\d.]+" yMax="([\d.]+)">[^<]*字小', html)
    assert word is not None
    assert float(word[2]) - float(word[1]) >= 17


def test_who_asks_for_no_guide_or_no_community_is_told(
    web_app: Flask, client: CheckedClient, tmp_path: Path
) -> None:
    out = tmp_path / "guide.pdf"
    assert run(web_app, "guide", "mayor", "-o", str(out))[0] == 2
    status, said = run(web_app, "guide", "resident", "-o", str(out), "--community", "NONE")
    assert (status, said) == (1, "Error: refused: no community NONE\n")
    assert not out.exists()
    for address in ("mayor.pdf", "system.pdf", "resident.pdf?community=NONE"):
        assert client.get(f"/help/guide/{address}").status_code == 404
    with web_app.test_request_context(), pytest.raises(NotFound):
        guides.guide(Role.SYSTEM, "http://x", guides.Desk())


HOMES = {
    Role.CLERK: "/c/HXL/desk/",
    Role.COMMITTEE: "/c/HXL/desk/",
    Role.SUPERVISOR: "/c/HXL/desk/",
    Role.DESIGNER: "/c/HXL/designer",
    Role.COMMITTEE_CHAIR: "/c/HXL/desk/",
    Role.SUBDISTRICT: "/d/SHXL/",
    Role.DISTRICT: "/d/DHXL/",
    Role.ADMINISTRATOR: "/system/",
    Role.RESIDENT: "/c/HXL/mine",
}


@pytest.mark.parametrize("role", HOMES)
def test_each_home_offers_its_own_guide(web_app: Flask, client: CheckedClient, role: Role) -> None:
    world = World(web_app)
    place = world.community("HXL", 2)
    if role is Role.RESIDENT:
        client.enter(world, place)
    else:
        client.staff(world.staff(place, role))
    link = re.search(r'href="(/help/guide/[^"]+)"', client.get(HOMES[role]).text)
    assert link is not None
    assert f"/{role.value}.pdf" in link[1]
    answer = client.get(link[1])
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF")


def test_the_page_of_help_offers_every_guide_to_everybody(client: CheckedClient) -> None:
    page = client.get("/help").text
    for role in guides.ROLES:
        assert f"/help/guide/{role.value}.pdf" in page
