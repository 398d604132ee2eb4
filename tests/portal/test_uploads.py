"""Every place that takes a picture meets the same hostile files: refused, or painted anew."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image
from sqlalchemy import update

from app.attachments.models import Attachment
from app.core.actor import Role
from app.core.db import transaction
from tests.designs.test_designs import form as design_form
from tests.support.checked_client import CheckedClient
from tests.support.hostile_files import Sent, encoded, hostile
from tests.support.world import World

if TYPE_CHECKING:
    from datetime import datetime

    from flask import Flask
    from werkzeug.test import TestResponse

    from tests.support.world import Place

WORDS = "我写的一段话不能丢"
FILES = hostile()


@dataclass(frozen=True)
class Upload:
    """A form with a picture: whose, where, and which page shows what came of it."""

    enter: Callable[[CheckedClient, World, Place], object]
    address: str
    field: str
    form: dict[str, str]
    shown: Callable[[TestResponse], str]


def _resident(client: CheckedClient, world: World, place: Place) -> None:
    client.enter(world, place)


def _clerk(client: CheckedClient, world: World, place: Place) -> None:
    client.staff(world.staff(place))


def _designer(client: CheckedClient, world: World, place: Place) -> None:
    client.staff(world.staff(place, Role.DESIGNER))


def _where_it_leads(answer: TestResponse) -> str:
    return str(answer.headers["Location"])


PROJECT = {
    "code": "P09",
    "title": "长椅",
    "problem": WORDS,
    "supply_mode": "build",
    "budget": "1000",
    "costs": "长椅 1000",
    "funds": "公益金 1000",
    "upkeep_by": "居委会",
    "upkeep": "50",
    "decision_route": "preference_poll",
}
UPLOADS = {
    "topic": Upload(
        _resident,
        "/c/HXL/propose",
        "photos",
        {"title": "装路灯", "background": WORDS, "once": "x"},
        _where_it_leads,
    ),
    "plan": Upload(_clerk, "/c/HXL/desk/projects/new", "picture", PROJECT, _where_it_leads),
    "progress": Upload(
        _clerk,
        "/c/HXL/desk/projects/P05/progress",
        "picture",
        {"text": WORDS, "once": "x"},
        lambda _answer: "/c/HXL/projects/P05",
    ),
    "design": Upload(
        _designer,
        "/c/HXL/designer/new",
        "a-picture",
        design_form(**{"b-summary": WORDS, "once": "x"}),
        _where_it_leads,
    ),
}


@pytest.fixture
def place(web_app: Flask, fixed_clock: datetime) -> Place:
    world = World(web_app)
    place = world.community("HXL", 2)
    world.project(place, "P05")
    return place


def _stored(app: Flask) -> set[str]:
    folder = app.config["SETTINGS"].data_dir
    return {str(path) for path in folder.glob("pictures/**/*") if path.is_file()}


@pytest.mark.parametrize("upload", UPLOADS.values(), ids=UPLOADS.keys())
def test_hostile_files_are_refused_in_words_or_painted_anew(
    web_app: Flask, place: Place, upload: Upload
) -> None:
    world = World(web_app)
    client = CheckedClient(web_app)
    upload.enter(client, world, place)
    for number, sent in enumerate(FILES):
        before = _stored(web_app)
        form = upload.form | {upload.field: (io.BytesIO(sent.data), sent.name)}
        if "once" in form:
            form["once"] = f"once{number}"
        if "code" in form:
            form["code"] = f"Q{number:02}"
        answer = client.post(upload.address, form, content_type="multipart/form-data")
        if sent.kept:
            assert answer.status_code == 303, sent.name
            _is_painted_anew(client, upload.shown(answer), sent, _stored(web_app) - before)
        else:
            assert answer.status_code in {413, 422}, sent.name
            assert "没有保存" in answer.text, sent.name
            assert answer.status_code == 413 or WORDS in answer.text, sent.name
            assert _stored(web_app) == before, sent.name


def _is_painted_anew(client: CheckedClient, page: str, sent: Sent, files: set[str]) -> None:
    assert len(files) == 2, sent.name
    sources = re.findall(r'"(/c/HXL/pictures/[^"]+)"', client.get(page).text)
    assert sources, sent.name
    for source in sources:
        picture = client.get(source)
        assert picture.mimetype == "image/webp"
        assert not sent.tail or sent.tail not in picture.data, sent.name
        with Image.open(io.BytesIO(picture.data)) as image:
            assert image.format == "WEBP"
            assert not image.getexif(), sent.name
            assert getattr(image, "n_frames", 1) == 1, sent.name


def _withhold(place: Place, *, withheld: bool) -> None:
    with transaction() as session:
        mine = Attachment.community_id == place.id
        session.execute(update(Attachment).where(mine).values(withheld=withheld))


def test_a_picture_that_is_withheld_or_whose_file_is_gone_is_not_found(
    web_app: Flask, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    upload = UPLOADS["plan"]
    client = CheckedClient(web_app)
    upload.enter(client, World(web_app), place)
    photo = io.BytesIO(encoded("JPEG", (90, 60)))
    form = upload.form | {upload.field: (photo, "x.jpg"), "code": "Q99"}
    answer = client.post(upload.address, form, content_type="multipart/form-data")
    page = upload.shown(answer)
    (source,) = set(re.findall(r'src="(/c/HXL/pictures/[^"]+)"', client.get(page).text))
    assert client.get(source).status_code == 200
    _withhold(place, withheld=True)
    assert client.get(source).status_code == 404, "stored, and shown to nobody"
    _withhold(place, withheld=False)
    assert caplog.records == []
    for path in _stored(web_app):
        Path(path).unlink()
    answer = client.get(source)
    assert answer.status_code == 404
    assert "这里没有您要找的内容" in answer.text
    (line,) = [record for record in caplog.records if record.name == "linyi.attachments"]
    assert line.levelname == "ERROR"
    assert client.get(page).status_code == 200, "the page around it is still there"


def test_a_very_large_true_photo_is_refused_before_it_is_unpacked(
    web_app: Flask, place: Place
) -> None:
    client = CheckedClient(web_app)
    client.enter(World(web_app), place)
    large = encoded("JPEG", (10_000, 6_000), quality=20)
    upload = UPLOADS["topic"]
    answer = client.post(
        upload.address,
        upload.form | {"photos": (io.BytesIO(large), "large.jpg")},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 422
    assert "5,000 万像素" in answer.text
    assert WORDS in answer.text


@pytest.fixture(scope="module")
def phone_photo() -> bytes:
    """What a phone takes: twelve megapixels, several megabytes."""
    out = io.BytesIO()
    noise = Image.effect_noise((1000, 750), 90).resize((4000, 3000))
    noise.convert("RGB").save(out, "JPEG", quality=90)
    assert 2_000_000 < len(out.getvalue()) < 12_000_000
    return out.getvalue()


@pytest.mark.parametrize("upload", UPLOADS.values(), ids=UPLOADS.keys())
def test_a_photo_as_phones_take_them_is_taken_everywhere(
    web_app: Flask, place: Place, upload: Upload, phone_photo: bytes
) -> None:
    client = CheckedClient(web_app)
    upload.enter(client, World(web_app), place)
    form = upload.form | {upload.field: (io.BytesIO(phone_photo), "IMG_2026.JPG")}
    answer = client.post(upload.address, form, content_type="multipart/form-data")
    assert answer.status_code == 303
    assert len(_stored(web_app)) == 2


def test_a_roll_of_a_large_community_is_taken(web_app: Flask, place: Place) -> None:
    lines = ["小区,楼栋,单元,房号,户主,联系电话"]
    lines += [f"一区,{n // 100},1,{n},住户的名字很长{n},1000{n:07d}" for n in range(3000)]
    client = CheckedClient(web_app)
    _clerk(client, World(web_app), place)
    data = "\n".join(lines).encode()
    assert len(data) > 100_000
    answer = client.post(
        "/c/HXL/desk/roll",
        {"file": (io.BytesIO(data), "roll.csv")},
        content_type="multipart/form-data",
    )
    assert answer.status_code in {200, 303}
    assert "没有保存" not in answer.text


def test_a_stranger_cannot_send_a_large_body_anywhere(web_app: Flask, place: Place) -> None:
    stranger = CheckedClient(web_app)
    for upload in UPLOADS.values():
        form = upload.form | {upload.field: (io.BytesIO(b"0" * 100_000), "a.jpg")}
        answer = stranger.post(upload.address, form, content_type="multipart/form-data")
        assert answer.status_code == 400
        assert "重新打开后再提交" in answer.text
