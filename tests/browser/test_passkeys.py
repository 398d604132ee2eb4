"""Passkeys in Chromium, with a virtual authenticator: added, used at the door and as a proof."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from app.core import clock
from app.portal.demo import PASSWORD
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_journeys import answered, main_button, staff

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import CDPSession, Page

    from tests.browser.conftest import City

NAME = "gongzuo"


@pytest.fixture(autouse=True)
def _standing_clock() -> Iterator[None]:
    with clock.set_to(clock.now()):
        yield


def device(page: Page, *, verifies: bool = True) -> tuple[CDPSession, str]:
    """A device with a fingerprint reader, in this browser."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": verifies,
        "automaticPresenceSimulation": True,
    }
    made: dict[str, Any] = cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return cdp, made["authenticatorId"]


def add(page: Page, name: str) -> None:
    page.goto("/staff/account")
    page.get_by_role("link", name="加一个通行密钥").click()
    page.get_by_label("给它起个名字").fill(name)
    page.get_by_role("button", name="用这部设备加").click()


def to_the_door(page: Page) -> None:
    page.context.clear_cookies()
    page.goto("/staff/sign-in")
    page.get_by_label("登录名").fill(NAME)
    page.get_by_label("密码").fill(PASSWORD)


@pytest.mark.parametrize(("size", "elder"), [(DESK, False), (PHONE, True)])
def test_a_passkey_is_added_opens_the_door_proves_who_it_is_and_goes(
    city: City,
    open_page: Callable[..., Page],
    accessible: Callable[[Page], None],
    picture: Callable[[Page, str], None],
    size: tuple[int, int],
    elder: bool,
) -> None:
    page = open_page(size, elder=elder)
    cdp, which = device(page)
    staff(page, city, NAME)
    page.goto("/staff/account/passkeys/new")
    accessible(page)
    picture(page, f"passkey-new-{size[0]}")
    add(page, "办公室电脑")
    expect(page.get_by_role("main")).to_contain_text("通行密钥加好了")
    expect(page.get_by_role("main")).to_contain_text("还没有用过")
    picture(page, f"passkey-account-{size[0]}")
    accessible(page)

    to_the_door(page)
    accessible(page)
    picture(page, f"passkey-door-{size[0]}")
    page.get_by_role("button", name="用通行密钥").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("工作人员登录")
    held = cdp.send("WebAuthn.getCredentials", {"authenticatorId": which})["credentials"]
    assert [one["rpId"] for one in held] == ["localhost"]

    clock.advance(timedelta(minutes=11))
    page.goto("/staff/account")
    page.get_by_role("link", name=re.compile("删掉.*办公室电脑")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("再确认一次是您本人")
    accessible(page)
    picture(page, f"passkey-prove-{size[0]}")
    page.get_by_role("button", name="用通行密钥").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("删掉一个通行密钥")
    accessible(page)
    picture(page, f"passkey-remove-{size[0]}")
    main_button(page, "删掉")
    expect(page.get_by_role("main")).to_contain_text("不能再用")

    to_the_door(page)
    page.get_by_role("button", name="用通行密钥").click()
    expect(page.locator("#error-summary")).to_contain_text("没有登录")


def test_a_device_that_does_not_know_its_user_is_not_asked_again_and_again(
    city: City, open_page: Callable[..., Page]
) -> None:
    page = open_page(DESK)
    cdp, which = device(page)
    staff(page, city, NAME)
    add(page, "试一试")
    expect(page.get_by_role("main")).to_contain_text("通行密钥加好了")
    to_the_door(page)
    cdp.send("WebAuthn.setUserVerified", {"authenticatorId": which, "isUserVerified": False})
    page.get_by_role("button", name="用通行密钥").click()
    expect(page.locator("[data-passkey] [role=alert]")).to_have_text(
        "设备没有确认，什么都没有改动。请再试一次。", timeout=20_000
    )
    cdp.send("WebAuthn.setUserVerified", {"authenticatorId": which, "isUserVerified": True})
    page.get_by_role("button", name="用通行密钥").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("工作人员登录")
    page.goto("/staff/account")
    page.get_by_role("link", name=re.compile("删掉.*试一试")).click()
    main_button(page, "删掉")


def test_the_name_is_asked_for_before_the_device(
    city: City, open_page: Callable[..., Page]
) -> None:
    page = open_page(PHONE)
    device(page)
    staff(page, city, NAME)
    page.goto("/staff/account/passkeys/new")
    page.get_by_role("button", name="用这部设备加").click()
    expect(page).to_have_url(f"{city.address}/staff/account/passkeys/new")
    expect(page.get_by_label("给它起个名字")).to_be_focused()


def test_without_a_net_nothing_changes_and_it_says_so(
    city: City, open_page: Callable[..., Page]
) -> None:
    page = open_page(PHONE)
    device(page)
    to_the_door(page)
    page.context.set_offline(True)
    page.get_by_role("button", name="用通行密钥").click()
    expect(page.locator("[data-passkey] [role=alert]")).to_contain_text("没有连上")
    page.context.set_offline(False)


def test_without_scripts_the_six_digits_serve_and_the_page_says_so(
    city: City, open_page: Callable[..., Page]
) -> None:
    page = open_page(PHONE, javascript=False)
    page.goto("/staff/sign-in")
    expect(page.get_by_role("main")).to_contain_text("请用六位动态码或备用码")
    expect(page.get_by_role("button", name="用通行密钥")).to_be_hidden()
    staff(page, city, NAME)
    page.goto("/staff/account/passkeys/new")
    expect(page.get_by_role("main")).to_contain_text("六位动态码照样能用")
    expect(page.get_by_role("button", name="用这部设备加")).to_be_hidden()


def test_at_another_address_than_the_one_that_is_set_none_is_offered(
    city: City, open_page: Callable[..., Page]
) -> None:
    page = open_page(PHONE)
    page.goto(city.address.replace("localhost", "127.0.0.1") + "/staff/sign-in")
    answered(page)
    expect(page.get_by_role("button", name="用通行密钥")).to_be_hidden()
