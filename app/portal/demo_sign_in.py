"""How to get into the demo city: printed by `make run`, and by nothing else."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pyotp
from sqlalchemy import ColumnElement, case, func, inspect, select
from sqlalchemy import exists as there_is

from app.communities.models import Community, Household
from app.communities.queries import address_of, community_by_code
from app.core import clock
from app.core.db import db, transaction
from app.core.errors import NotFound, RuleBroken
from app.core.record import SystemValue
from app.people import secrets_box
from app.people.models import HouseholdCode, Person, RoleGrant, StaffAccount
from app.people.rules import code_groups
from app.portal.demo import PASSWORD
from app.voting.models import Poll, PollVoter

SHOWN_HOMES = 3
ADDRESS = "demo_address"
ROLES = {
    "committee_clerk": "社区工作人员",
    "committee_member": "居委会委员",
    "affairs_supervisor": "居务监督委员",
    "designer": "设计师",
    "subdistrict": "街道",
    "district": "区级",
    "city": "市级",
    "administrator": "系统管理员",
}


def exists() -> bool:
    """Whether this installation holds a demo community; one without tables holds none."""
    if not inspect(db.engine).has_table(Community.__tablename__):
        return False
    return db.session.scalar(select(func.count(Community.id)).where(Community.demo)) != 0


def remember_address(base_url: str) -> None:
    """Keep where the demo is served, so that it can be printed again from another shell."""
    with transaction() as session:
        session.merge(SystemValue(key=ADDRESS, value=base_url))


def address(otherwise: str) -> str:
    """Where the demo was served last."""
    if not exists():
        return otherwise
    kept = db.session.get(SystemValue, ADDRESS)
    return kept.value if kept is not None else otherwise


def lines(base_url: str) -> list[str]:
    """Everything needed to try the demo in each role, with the present six digits."""
    community = _shown_community() if exists() else None
    if community is None:
        return ["这里没有演示城市。"]
    return [
        "",
        "住户（信上的编码 + 底册手机号后四位）",
        *(
            f"  {'-'.join(code_groups(code))}  {fact}  {home}"
            for code, fact, home in codes(community, SHOWN_HOMES)
        ),
        f"  入口 {base_url}/e",
        "",
        f"工作人员（入口 {base_url}/staff/sign-in ，密码都是 {PASSWORD}）",
        *_staff_lines(),
        "  六位数每 30 秒换一次，再看一遍：flask --app wsgi demo signin",
        "",
        f"打开 {base_url}/",
        *(f"同一网络里的手机打开 {each}/" for each in _for_phones(base_url)),
    ]


def _shown_community() -> str | None:
    return db.session.scalar(select(Community.code).where(Community.code == "HXL"))


def _for_phones(base_url: str) -> list[str]:
    """The address for a phone in the same network, where the demo's own is this machine alone."""
    parts = urlsplit(base_url)
    found = _lan_address() if parts.hostname == "localhost" else ""
    return [f"http://{found}:{parts.port or 80}"] if found else []


def _lan_address() -> str:
    """Give the machine's address in its own network; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # A documentation address: choosing a route sends no packet.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _staff_lines() -> list[str]:
    rows = db.session.execute(
        select(
            StaffAccount.sign_in_name,
            StaffAccount.totp_secret,
            StaffAccount.password_hash,
            Person.display,
            RoleGrant.role,
        )
        .join(Person, Person.id == StaffAccount.person_id)
        .join(RoleGrant, RoleGrant.person_id == Person.id)
        .where(RoleGrant.role.in_(list(ROLES)))
        .order_by(StaffAccount.id)
    )
    return [
        _staff_line(row.sign_in_name, row.totp_secret, row.display, row.role)
        for row in rows
        if _is_demo(row.password_hash)
    ]


def _staff_line(name: str, sealed: str, display: str, role: str) -> str:
    secret = secrets_box.unseal(sealed)
    digits = pyotp.TOTP(secret).at(clock.now())
    return f"  {name:<8} 动态码 {digits}  密钥 {secret}  {ROLES[role]} {display}"


def staff_secret(name: str) -> tuple[str, str]:
    """Password and second factor's secret of a demo account. Raises: NotFound for any other."""
    row = db.session.execute(
        select(StaffAccount.totp_secret, StaffAccount.password_hash).where(
            StaffAccount.sign_in_name == name
        )
    ).first()
    if row is None or not _is_demo(row.password_hash):
        raise NotFound("account")
    return PASSWORD, secrets_box.unseal(row.totp_secret)


def _is_demo(password_hash: str) -> bool:
    """Whether it is an account of the demo: those alone have the password that is printed."""
    return secrets_box.password_fits(PASSWORD, password_hash)


def codes(community: str, number: int) -> list[tuple[str, str, str]]:
    """Codes, second facts and addresses of a demo community's households.

    Those that can still vote in every open poll come first, so that a load test meets no refusal.

    Raises: RuleBroken demo.only for any other community; NotFound.
    """
    place = community_by_code(community)
    if not place.demo:
        raise RuleBroken("demo.only")
    rows = db.session.execute(
        select(Household.id, Household.phones, func.max(HouseholdCode.generation))
        .join(
            HouseholdCode,
            (HouseholdCode.community_id == Household.community_id)
            & (HouseholdCode.household_id == Household.id),
        )
        .where(
            Household.community_id == place.id,
            Household.phones != "",
            HouseholdCode.revoked_at.is_(None),
        )
        .group_by(Household.id, Household.phones)
        .order_by(_has_voted(place.id), Household.id)
        .limit(number)
    ).all()
    return [
        (
            secrets_box.demo_code(place.id, household_id, generation),
            phones.split()[0][-4:],
            address_of(place.id, household_id).short,
        )
        for household_id, phones, generation in rows
    ]


def _has_voted(community_id: int) -> ColumnElement[int]:
    """1 for a household with a ballot in an open poll, else 0."""
    voted = there_is().where(
        PollVoter.community_id == community_id,
        PollVoter.household_id == Household.id,
        PollVoter.version > 0,
        Poll.id == PollVoter.poll_id,
        Poll.closed_at.is_(None),
    )
    return case((voted, 1), else_=0)
