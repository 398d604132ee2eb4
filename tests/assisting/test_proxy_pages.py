"""A written authority on the pages: entered at the desk, used by its holder, taken back at home."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING

import pikepdf
import pytest

from app.communities.queries import address_of, community_by_code
from app.core import clock
from app.core.actor import SYSTEM
from app.exports import verify_record
from app.exports.operations import export_record
from app.voting import operations as voting
from tests.support.checked_client import CheckedClient

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tests.support.world import Place, World


@pytest.fixture
def place(web_world: World, fixed_clock: datetime) -> Place:
    return web_world.community("HXL", 6)


@pytest.fixture
def poll(web_world: World, place: Place) -> str:
    return web_world.poll(place)


@pytest.fixture
def desk(client: CheckedClient, web_world: World, place: Place) -> CheckedClient:
    client.staff(web_world.staff(place))
    return client


def enter(desk: CheckedClient, place: Place, poll: str, index: int = 0, **changes: str) -> int:
    page = f"/c/HXL/desk/households/{place.households[index]}/proxy"
    sheet = {
        "poll": poll,
        "holder": address_of(place.id, place.households[3]).short,
        "sheet": f"WT-{index}",
        "seen": "present",
        "signed": "y",
    }
    answer = desk.post(page, sheet | changes)
    assert answer.status_code in {303, 422}
    return answer.status_code


def test_entered_used_and_seen_by_those_it_concerns_alone(
    desk: CheckedClient, web_world: World, place: Place, poll: str, tmp_path: Path
) -> None:
    home = f"/c/HXL/desk/households/{place.households[0]}"
    assert f'href="{home}/proxy"' in desk.get(home).text
    assert "您同意吗" in desk.get(f"{home}/proxy").text
    assert enter(desk, place, poll, signed="") == 422
    assert enter(desk, place, poll, holder="月球 1-1") == 422
    assert enter(desk, place, poll, holder_name="也写了姓名") == 422
    assert enter(desk, place, poll, seen="") == 422
    assert enter(desk, place, poll) == 303
    again = desk.post(
        f"{home}/proxy",
        {"poll": poll, "holder_name": "王芳", "sheet": "x", "seen": "phoned", "signed": "y"},
    )
    assert "已经有一份委托书" in again.text
    listed = desk.get("/c/HXL/desk/proxies").text
    assert "WT-0" in listed

    holder = CheckedClient(desk.app)
    holder.enter(web_world, place, 3)
    mine = holder.get("/c/HXL/mine/proxies").text
    assert "替 一区 1-1-1 投一次" in mine
    page = "/c/HXL/proxies/1/ballot"
    assert "这一票是替" in holder.get(page).text
    assert holder.post(page, {"token": holder.fields(page, page)["token"]}).status_code == 422
    answer = holder.post(page, holder.fields(page, page) | {"choice": "yes"})
    assert answer.location == "/c/HXL/proxies/1/receipt"
    receipt = holder.get("/c/HXL/proxies/1/receipt").text
    assert "<b>同意</b>" in receipt
    assert "一区 1-1-1" in receipt

    family = CheckedClient(desk.app)
    family.enter(web_world, place, 0)
    assert "持委托书的人替本户投了票" in family.get("/c/HXL/mine").text
    assert "受托人已投" in family.get("/c/HXL/mine/proxies").text
    ballot = family.get(f"/c/HXL/votes/{poll}/ballot").text
    assert "持委托书的人已替本户投票" in ballot
    family.post("/c/HXL/mine/proxies/1/revoke")
    assert "不能再收回" in family.get("/c/HXL/mine/proxies").text
    for address in (page, "/c/HXL/proxies/1/receipt"):
        assert family.get(address).status_code == 404
    assert holder.post("/c/HXL/mine/proxies/1/revoke").status_code == 404

    begun = desk.post(f"{home}/assist", {"checked": "document", "present": "y"})
    shown = desk.get(f"{begun.location}/votes/{poll}").text
    assert "替本户投了票，由他（她）修改" in shown
    assert "家里另一个人" not in shown

    for address in ("/c/HXL/desk/proxies", home, "/c/HXL/desk/", f"/c/HXL/desk/votes/{poll}"):
        text = desk.get(address).text
        assert "已投" not in text.replace("受托人投没投", ""), address
        assert "替本户投了票" not in text, address
    assert "委托" not in holder.get("/c/HXL/record").text

    clock.advance(timedelta(days=8))
    voting.close_poll(SYSTEM, community_id=place.id, public_id=poll)
    assert "不能再改" in holder.get("/c/HXL/proxies/1/receipt").text
    assert "现在不能用" in holder.get(page).text
    archive = tmp_path / "record.zip"
    with archive.open("wb") as out:
        export_record(SYSTEM, community=community_by_code("HXL"), out=out)
    assert verify_record.main([str(archive)]) == 0


def test_a_named_holder_comes_to_the_desk_and_the_choice_is_shown_once(
    desk: CheckedClient, place: Place, poll: str
) -> None:
    assert enter(desk, place, poll, holder="", holder_name="王芳（长女）") == 303
    page = "/c/HXL/desk/proxies/1/ballot"
    assert "受托人：王芳（长女）" in desk.get(page).text
    form = desk.fields(page, page) | {"choice": "no"}
    form.pop("present", None)
    unsaid = desk.post(page, form)
    assert unsaid.status_code == 422
    assert "没有勾选声明" in unsaid.text
    stated = form | {"checked": "document", "present": "y"}
    done = desk.post(page, stated)
    assert "<b>反对</b>" in done.text
    assert "<b>" not in desk.post(page, stated | {"choice": "yes"}).text.split("<main")[1]
    assert " checked" not in desk.get(page).text


def test_it_is_taken_back_at_home_and_at_the_desk(
    desk: CheckedClient, web_world: World, place: Place, poll: str
) -> None:
    assert enter(desk, place, poll) == enter(desk, place, poll, 1) == 303
    family = CheckedClient(desk.app)
    family.enter(web_world, place, 0)
    assert "没有写过委托书的" in family.get("/c/HXL/mine").text
    assert family.post("/c/HXL/mine/proxies/2/revoke").status_code == 404
    for _ in range(2):
        assert family.post("/c/HXL/mine/proxies/1/revoke").status_code == 303
    assert "已收回或到期" in family.get("/c/HXL/mine/proxies").text
    holder = CheckedClient(desk.app)
    holder.enter(web_world, place, 3)
    page = "/c/HXL/proxies/2/ballot"
    form = holder.fields(page, page) | {"choice": "yes"}
    assert "已经投了的" in desk.get("/c/HXL/desk/proxies/2/end").text
    assert desk.post("/c/HXL/desk/proxies/2/end").status_code == 303
    late = holder.post(page, form)
    assert late.status_code == 422
    assert "不能再用" in late.text
    assert desk.get("/c/HXL/desk/proxies/2/ballot").status_code == 303


def test_the_sheet_is_printed_with_a_number_of_its_own(
    desk: CheckedClient, web_world: World, place: Place, poll: str
) -> None:
    blank = f"/c/HXL/desk/votes/{poll}/proxy-form.pdf"
    with pikepdf.open(io.BytesIO(desk.get(blank).data)) as sheet:
        assert len(sheet.pages) == 1
    family = CheckedClient(desk.app)
    family.enter(web_world, place, 0)
    assert family.get(f"/c/HXL/mine/proxies/{poll}/form.pdf").data[:4] == b"%PDF"
    assert family.get(blank).status_code == 404
    clock.advance(timedelta(days=8))
    assert family.get(f"/c/HXL/mine/proxies/{poll}/form.pdf").status_code == 404
    desk.staff(web_world.staff(place))
    assert desk.get(blank).status_code == 404
    assert "没有能投的票" in desk.get(f"/c/HXL/desk/households/{place.households[0]}/proxy").text
