"""The account page, coming in by a recovery code, and staying, by a browser without scripts."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pyotp
import pytest

from app.core import clock
from app.core.actor import Role
from app.people import accounts, operations, queries
from tests.support.checked_client import CheckedClient
from tests.support.world import PASSWORD

if TYPE_CHECKING:
    from datetime import datetime

    from werkzeug.test import TestResponse

    from tests.support.world import Place, Staff, World

CHROME = "Mozilla/5.0 (Windows NT 10.0) Chrome/120.0 Safari/537.36"
WECHAT = "Mozilla/5.0 (Linux; Android 10; K) Chrome/86.0 Mobile Safari/537.36 MicroMessenger/8.0"
SIGN_IN = "/staff/sign-in"
ACCOUNT = "/staff/account"
DOOR = re.compile(r"/staff/sign-in\?")


@pytest.fixture
def place(web_world: World, fixed_clock: datetime) -> Place:
    return web_world.community("HXL", 2)


@pytest.fixture
def staff(web_world: World, place: Place) -> Staff:
    # Signing in opened a session of its own, which would be one more on every page.
    staff = web_world.staff(place)
    operations.sign_out(staff.actor)
    return staff


def come_in(client: CheckedClient, staff: Staff, second: str = "", agent: str = CHROME) -> None:
    """Sign in a minute later than whoever did before."""
    clock.advance(timedelta(minutes=1))
    digits = pyotp.TOTP(staff.secret).at(clock.now())
    answer = client.post(
        SIGN_IN,
        {"name": staff.name, "password": PASSWORD, "totp": second or digits},
        headers={"User-Agent": agent},
    )
    assert answer.status_code == 303, answer.text
    client.signed_in = True


def is_out(client: CheckedClient, address: str = ACCOUNT) -> bool:
    """Whether an address leads to the sign-in, as for whoever is not in."""
    client.signed_in = False
    answer = client.get(address)
    return answer.status_code == 303 and bool(DOOR.match(answer.headers["Location"]))


def ends(client: CheckedClient) -> list[str]:
    """The addresses by which a page offers to end sessions."""
    return re.findall(r'action="(/staff/account/sessions/[^"]+)"', client.get(ACCOUNT).text)


def test_the_account_is_found_from_the_desk_and_says_where_one_is_signed_in(
    client: CheckedClient, staff: Staff, place: Place
) -> None:
    phone = CheckedClient(client.app)
    come_in(phone, staff, agent=WECHAT)
    come_in(client, staff)
    assert f'href="{ACCOUNT}">我的账号' in client.get(f"/c/{place.code}/desk/").text
    page = client.get(ACCOUNT).text
    assert "2 处" in page
    assert page.index("电脑 · Chrome") < page.index("您正在用的这一处") < page.index("手机 · 微信")
    assert "Mozilla" not in page
    assert len(ends(client)) == 2, "the other one, and all others"


def test_an_ended_sessions_cookie_opens_nothing_from_the_next_request(
    client: CheckedClient, staff: Staff, place: Place
) -> None:
    phone = CheckedClient(client.app)
    come_in(phone, staff, agent=WECHAT)
    come_in(client, staff)
    cookie = phone.raw.get_cookie(client.app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    assert phone.get(f"/c/{place.code}/desk/").status_code == 200
    address = ends(client)[0]
    fields = client.fields(ACCOUNT, address)
    for _time in ("first", "sent again because its answer was lost"):
        answer = client.check(client.raw.post(address, data=fields))
        assert answer.headers["Location"] == ACCOUNT
    assert "已经退出" in client.get(ACCOUNT).text
    thief = CheckedClient(client.app)
    thief.raw.set_cookie(cookie.key, cookie.value)
    for browser in (phone, thief):
        for address in (f"/c/{place.code}/desk/", ACCOUNT, "/staff/stay"):
            assert is_out(browser, address)


def test_everywhere_else_ends_at_once(client: CheckedClient, staff: Staff) -> None:
    others = [CheckedClient(client.app) for _ in range(2)]
    for other in others:
        come_in(other, staff)
    come_in(client, staff)
    client.post(ends(client)[-1])
    assert "1 处" in client.get(ACCOUNT).text
    assert ends(client) == []
    for other in others:
        assert is_out(other)


def test_another_persons_session_and_the_one_in_use_are_not_found(
    client: CheckedClient, web_world: World, staff: Staff, place: Place
) -> None:
    other = web_world.staff(place, Role.ADMINISTRATOR)
    come_in(client, staff)
    for session_id in (other.actor.session_id, 99_999, 2**40):
        answer = client.post(f"{ACCOUNT}/sessions/{session_id}/end")
        assert answer.status_code == 404
    assert client.get(ACCOUNT).status_code == 200


@pytest.mark.parametrize("path", ["", "/recovery"])
def test_residents_have_no_account_page(
    client: CheckedClient, web_world: World, place: Place, path: str
) -> None:
    client.enter(web_world, place)
    assert client.get(ACCOUNT + path).status_code == 404
    page = client.get(f"/c/{place.code}/mine").text
    assert "我的账号" not in page
    assert "自动退出，写了一半" not in page


# --- recovery codes ------------------------------------------------------------------------


def made(client: CheckedClient) -> list[str]:
    page = client.post(f"{ACCOUNT}/recovery").text
    assert "只显示这一次" in page
    return [re.sub(r"<[^>]*>", "", one) for one in re.findall(r"<li>(<span class=.*?)</li>", page)]


def test_codes_are_shown_once_and_one_of_them_lets_in_once(
    client: CheckedClient, staff: Staff, place: Place
) -> None:
    come_in(client, staff)
    assert "还没有备用码" in client.get(ACCOUNT).text
    assert "要做 10 个备用码吗" in client.get(f"{ACCOUNT}/recovery").text
    codes = made(client)
    assert len(codes) == 10
    assert all(re.fullmatch(r"[0-9A-Z]{3}-[0-9A-Z]{3}-[0-9A-Z]{4}", code) for code in codes)
    assert "还剩 10 个" in client.get(ACCOUNT).text
    assert not any(code in client.get(ACCOUNT).text for code in codes)
    for number, code in enumerate(codes, 1):
        late = CheckedClient(client.app)
        come_in(late, staff, code)
        shown = late.get(f"/c/{place.code}/desk/").text
        left = len(codes) - number
        assert (f"还剩 {left} 个" if left else "最后一个备用码") in shown
        assert "备用码" not in late.get(f"/c/{place.code}/desk/").text, "told once"
        again = {"name": staff.name, "password": PASSWORD, "totp": code}
        assert late.post(SIGN_IN, again).status_code == 422
    assert "备用码用完了" in client.get(ACCOUNT).text


def test_whoever_makes_new_codes_is_told_first_what_becomes_of_the_old(
    client: CheckedClient, staff: Staff
) -> None:
    come_in(client, staff)
    old = made(client)
    assert "还有 10 个没用的旧备用码，会马上作废" in client.get(f"{ACCOUNT}/recovery").text
    made(client)
    answer = client.post(SIGN_IN, {"name": staff.name, "password": PASSWORD, "totp": old[0]})
    assert answer.status_code == 422


def test_the_page_for_a_code_lets_letters_be_typed(client: CheckedClient, staff: Staff) -> None:
    page = client.get(f"{SIGN_IN}?next=/c/HXL/desk/").text
    assert 'inputmode="numeric"' in page
    (link,) = re.findall(r'href="([^"]+)">手机不在身边', page)
    page = client.get(link.replace("&amp;", "&")).text
    assert "inputmode" not in page
    assert '<label for="totp">备用码' in page
    assert 'value="/c/HXL/desk/"' in page


def refused(client: CheckedClient, form: dict[str, str]) -> tuple[int, str]:
    answer = client.post(SIGN_IN, form)
    return answer.status_code, re.sub(r'value="[^"]*"', "", answer.text)


def test_every_failure_says_the_same_and_asks_the_database_as_much(
    client: CheckedClient, web_world: World, staff: Staff, place: Place, statements: list[str]
) -> None:
    other = web_world.staff(place)
    used, unused = accounts.make_recovery_codes(staff.actor)[:2]
    theirs = accounts.make_recovery_codes(other.actor)[0]
    come_in(CheckedClient(client.app), staff, used)
    good = {"name": staff.name, "password": PASSWORD}
    tries = {
        "wrong digits": good | {"totp": "000000"},
        "wrong code": good | {"totp": "0000000000"},
        "used code": good | {"totp": used},
        "code of somebody else": good | {"totp": theirs},
        "right code, wrong password": good | {"password": "wrong phrase here", "totp": unused},
        "nonsense": good | {"totp": "no such thing"},
    }
    refused(client, tries["nonsense"])
    seen = {}
    for name, form in tries.items():
        statements.clear()
        answer = refused(client, form)
        seen[name] = (*answer, [re.sub(r"\s+", " ", one)[:60] for one in statements])
    assert {one[0] for one in seen.values()} == {422}
    assert len({one[1] for one in seen.values()}) == 1
    assert all(one[2] == seen["wrong digits"][2] for one in seen.values()), seen


# --- staying -------------------------------------------------------------------------------


def stay(client: CheckedClient, *, by_script: bool, **fields: str) -> TestResponse:
    headers = {"X-Stay": "1"} if by_script else {}
    return client.post("/staff/stay", fields, headers=headers)


def test_a_tap_without_scripts_stays_and_comes_back_to_the_page(
    client: CheckedClient, staff: Staff, place: Place
) -> None:
    come_in(client, staff)
    here = f"/c/{place.code}/desk/households?search=1"
    fields = client.fields(here, "/staff/stay")
    assert fields["next"] == here
    clock.advance(timedelta(minutes=29))
    assert stay(client, by_script=False, **fields).headers["Location"] == here
    clock.advance(timedelta(minutes=29))
    assert client.get(here).status_code == 200
    away = stay(client, by_script=False, next="https://elsewhere.example/")
    assert away.headers["Location"] == "/staff/"


def test_a_tap_by_script_counts_from_the_tap_and_says_what_is_left(
    client: CheckedClient, staff: Staff
) -> None:
    come_in(client, staff)
    clock.advance(timedelta(minutes=4))
    assert stay(client, by_script=True).json == {"idle": 1800, "longest": 12 * 3600 - 240}
    clock.advance(timedelta(minutes=29, seconds=59))
    assert client.get("/staff/stay").json == {"idle": 1, "longest": 12 * 3600 - 34 * 60 + 1}
    clock.advance(timedelta(seconds=1))
    answer = stay(client, by_script=True)
    assert answer.status_code == 204
    assert DOOR.match(answer.headers["X-Go-To"])


def test_asking_what_is_left_is_no_use_of_the_session(client: CheckedClient, staff: Staff) -> None:
    come_in(client, staff)
    for minute in range(1, 30):
        clock.advance(timedelta(minutes=1))
        asked = client.get("/staff/stay").json
        assert asked is not None
        assert asked["idle"] == (30 - minute) * 60
    clock.advance(timedelta(minutes=1))
    assert is_out(client)


def test_a_page_knows_to_the_second_when_the_session_would_end(
    client: CheckedClient, staff: Staff
) -> None:
    def told() -> int:
        found = re.search(r'data-idle="(\d+)"', client.get(ACCOUNT).text)
        assert found
        return int(found[1])

    come_in(client, staff)
    for since, left in ((1, 29), (3, 26), (1, 25), (2, 30), (20, 30), (4, 26)):
        # A look is written down when the last note is more than five minutes old.
        clock.advance(timedelta(minutes=since))
        assert told() == left * 60
        assert client.get("/staff/stay").json["idle"] == left * 60  # type: ignore[index]


def test_no_tap_goes_beyond_twelve_hours(client: CheckedClient, staff: Staff) -> None:
    come_in(client, staff)
    for _ in range(12 * 60 // 25):
        clock.advance(timedelta(minutes=25))
        stay(client, by_script=True)
    left = stay(client, by_script=True).json
    assert left is not None
    assert left["longest"] < left["idle"]
    clock.advance(timedelta(seconds=left["longest"]))
    assert is_out(client)


def test_what_is_sent_after_the_end_is_said_to_be_lost_and_the_way_back_is_known(
    client: CheckedClient, staff: Staff, place: Place
) -> None:
    come_in(client, staff)
    clock.advance(timedelta(minutes=31))
    client.signed_in = False
    answer = client.post(
        f"{ACCOUNT}/sessions/end-others", headers={"Referer": f"http://localhost{ACCOUNT}"}
    )
    assert answer.headers["Location"] == f"{SIGN_IN}?next={ACCOUNT}"
    page = client.get(answer.headers["Location"]).text
    assert "您已经退出了（30 分钟不操作会自动退出），刚才交的没有保存" in page
    assert "没有保存" not in client.get(SIGN_IN).text, "told once"
    for referer in ("", "http://evil.example/staff/account"):
        answer = client.post(
            f"{ACCOUNT}/sessions/end-others", headers={"Referer": referer} if referer else {}
        )
        assert answer.headers["Location"] == SIGN_IN
    answer = client.post(f"/c/{place.code}/desk/projects/new")
    assert answer.headers["Location"] == f"{SIGN_IN}?next=/c/HXL/desk/projects/new"


# --- proving it again ----------------------------------------------------------------------

WEIGHTY = (
    ("GET", "/c/HXL/desk/codes/revoke?part=all", "/c/HXL/desk/codes/revoke?part%3Dall"),
    ("POST", "/c/HXL/desk/records/archive", "/c/HXL/desk/records"),
    ("GET", "/staff/account/recovery", "/staff/account/recovery"),
)
ALONG = ("/c/HXL/desk/codes/revoke", "/staff/account/recovery")


def ask(client: CheckedClient, method: str, address: str, back: str) -> TestResponse:
    headers = {"Referer": "http://localhost" + back.replace("%3D", "=")}
    return (client.get if method == "GET" else client.post)(address, headers=headers)


@pytest.mark.parametrize(("method", "address", "back"), WEIGHTY)
def test_a_step_of_weight_asks_again_after_ten_minutes_and_goes_on_there(
    client: CheckedClient, staff: Staff, method: str, address: str, back: str
) -> None:
    come_in(client, staff)
    clock.advance(timedelta(minutes=10))
    assert ask(client, method, address, back).status_code in {200, 422}
    clock.advance(timedelta(seconds=1))
    client.get("/c/HXL/desk/")
    where = ask(client, method, address, back).headers["Location"]
    assert where == f"/staff/prove?next={back}"
    page = client.get(where)
    assert "再输一次" in page.text
    fields = client.fields(where, "/staff/prove")
    wrong = client.post("/staff/prove", {**fields, "totp": "000000"})
    assert wrong.status_code == 422
    assert "还没有办" in wrong.text
    assert ask(client, method, address, back).status_code == 303
    right = pyotp.TOTP(staff.secret).at(clock.now())
    answer = client.post("/staff/prove", {**fields, "totp": right})
    assert answer.headers["Location"] == back.replace("%3D", "=")
    assert ask(client, method, address, back).status_code in {200, 422}


def test_nothing_is_exported_revoked_or_made_without_the_proof(
    client: CheckedClient, web_world: World, staff: Staff, place: Place
) -> None:
    web_world.code(place)
    come_in(client, staff)
    clock.advance(timedelta(minutes=11))
    part = {"part": "all", "expected": "1"}
    assert client.post("/c/HXL/desk/records/archive", part).status_code == 303
    for address in ALONG:
        assert client.post(address, part).status_code == 403
        wrong = client.post(address, {**part, "proof_totp": "000000"})
        assert (wrong.status_code, "您填的都还在" in wrong.text) == (422, True)
    client.staff(staff)
    assert "还没有备用码" in client.get(ACCOUNT).text
    assert queries.living_codes(place.id, list(place.households)) == 1


def test_a_form_that_was_sent_too_late_goes_on_with_the_proof(
    client: CheckedClient, web_world: World, staff: Staff, place: Place
) -> None:
    web_world.code(place)
    come_in(client, staff)
    clock.advance(timedelta(minutes=11))
    address = "/c/HXL/desk/codes/revoke"
    asked = client.post(address, {"part": "all", "expected": "1", "odd": "<b>\"&' 二"})
    assert (asked.status_code, "您刚才填的都还在" in asked.text) == (403, True)
    fields = kept_in(client, asked)
    assert (fields["part"], fields["expected"], fields["odd"]) == ("all", "1", "<b>\"&' 二")
    right = {**fields, "proof_totp": pyotp.TOTP(staff.secret).at(clock.now())}
    for _time in ("first", "sent again because its answer was lost"):
        answer = client.check(client.raw.post(address, data=right))
        assert answer.status_code == 303, answer.text
    assert queries.living_codes(place.id, list(place.households)) == 0


def kept_in(client: CheckedClient, answer: TestResponse) -> dict[str, str]:
    """What the page that asks for a proof holds of the form that was sent."""
    page = Kept()
    page.feed(answer.text)
    return page.fields


class Kept(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "input" and found.get("type") == "hidden" and found.get("name"):
            self.fields[str(found["name"])] = found.get("value") or ""


def test_a_phone_is_shown_after_the_proof_and_not_before(
    client: CheckedClient, staff: Staff, place: Place
) -> None:
    come_in(client, staff)
    clock.advance(timedelta(minutes=11))
    address = f"/c/HXL/desk/households/{place.households[0]}/phones"
    asked = client.post(address, {"reason": "danger"})
    assert (asked.status_code, "10000000001" in asked.text) == (403, False)
    fields = kept_in(client, asked)
    right = {**fields, "proof_totp": pyotp.TOTP(staff.secret).at(clock.now())}
    assert "10000000001" in client.check(client.raw.post(address, data=right)).text


def test_who_may_not_come_there_at_all_is_not_asked_for_a_proof(
    client: CheckedClient, web_world: World, place: Place
) -> None:
    client.staff(web_world.staff(place, Role.DESIGNER))
    clock.advance(timedelta(minutes=11))
    for method, address, back in WEIGHTY[:2]:
        assert ask(client, method, address, back).status_code == 404


def test_a_proof_leads_nowhere_else(client: CheckedClient, staff: Staff) -> None:
    come_in(client, staff)
    clock.advance(timedelta(minutes=1))
    right = pyotp.TOTP(staff.secret).at(clock.now())
    answer = client.post("/staff/prove", {"totp": right, "next": "https://evil.example/"})
    assert answer.headers["Location"] == "/staff/"
