"""What the demo community has behind it: finished projects, a convention, topics, opinions.

Everything goes through the operations that people use, oldest first under a set clock.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import current_app, g

from app.communities.queries import community_by_id
from app.config import ROOT
from app.conventions import operations as conventions
from app.conventions.rules import Article, ArticleClass, Body, Resolution
from app.conventions.rules import State as VersionState
from app.core import clock, images
from app.core.actor import SYSTEM, Role
from app.core.db import db
from app.designs import operations as designs
from app.designs.rules import Plan
from app.discussion import operations as opinions
from app.portal import demo_bodies, demo_lifted, demo_roles, demo_topics
from app.portal.demo_stage import Stagehand
from app.projects import operations as projects
from app.projects.rules import Line, Route, Stage, SupplyMode
from app.ratings import operations as ratings
from app.ratings.queries import rounds
from app.voting import operations as voting
from app.voting.launching import PollDraft
from app.voting.rules import NONE_OF_THEM, Method, Rules, ShareTest

SAMPLE = ROOT / "sample_data"
SEED = 20260115
THIRD = ShareTest("electorate", 1, 3, ">=")
EARLIER_TURNOUT = 560
RATERS = 64
SIGNERS = 86
TASTE = {"P03": 520, "P04": 700, "P09": 610, "P10": 660}
# (days before today, project, stage it goes on to)
STAGES = (
    (104, "P09", Stage.BUILD),
    (104, "P10", Stage.BUILD),
    (98, "P04", Stage.BUILD),
    (90, "P03", Stage.BUILD),
    (84, "P10", Stage.MANAGE),
    (82, "P09", Stage.MANAGE),
    (70, "P10", Stage.RATE),
    (34, "P10", Stage.SHARE),
    (33, "P04", Stage.MANAGE),
    (32, "P09", Stage.RATE),
)


# (project, legal act, days before today, what it came to)
DECISIONS = (
    (
        "P03",
        Route.CONSULTATION,
        112,
        "到会 31 人，居民、托育机构和街道都发了言，协商意见一致：先加固，再办托育点。",
    ),
    (
        "P04",
        Route.CONSULTATION,
        118,
        "两个小区各开一次会，到会 27 人和 34 人，同意建三处，离楼道六米以上。",
    ),
    (
        "P04",
        Route.OWNERS_MAJOR,
        109,
        (
            "一区、二区分别表决。参加的：一区面积 78%、人数 76%，二区面积 74%、人数 73%；"
            "参加的人里同意的：一区面积 87%、人数 86%，二区面积 84%、人数 82%。街道已备案。"
        ),
    ),
)


Acts = list[tuple[datetime, Callable[[], object]]]


def write(stage: Stagehand, until: datetime) -> Acts:
    """Write the past up to the polls of today; gives what came after they had begun."""
    with current_app.test_request_context():
        g.place = community_by_id(stage.community_id)
        _add_finished_projects(stage)
        _earlier_poll(stage)
        acts = sorted(_acts(stage), key=lambda pair: pair[0])
        _play([one for one in acts if one[0] < until])
    return [one for one in acts if one[0] >= until]


def write_today(stage: Stagehand, since: Acts) -> None:
    """Write the last fortnight, open the first topic's session, leave something to do."""
    with current_app.test_request_context():
        g.place = community_by_id(stage.community_id)
        _play(since)
        demo_topics.open_today(stage)


def _play(acts: Acts) -> None:
    for at, act in acts:
        with clock.set_to(at):
            act()


def _acts(stage: Stagehand) -> Iterator[tuple[datetime, Callable[[], object]]]:
    for days, code, to in STAGES:
        yield stage.at(days), _advance(stage, code, to)
    yield from _decisions(stage)
    yield from _works(stage)
    yield from _ratings(stage)
    yield from _convention(stage)
    yield stage.at(27), lambda: _design(stage)
    yield from demo_bodies.acts(stage)
    yield from demo_topics.acts(stage)
    yield from demo_roles.acts(stage)
    yield from demo_lifted.acts(stage)


def _advance(stage: Stagehand, code: str, to: Stage) -> Callable[[], None]:
    return lambda: projects.advance_project(
        SYSTEM, community_id=stage.community_id, code=code, to=to
    )


# --- projects ------------------------------------------------------------------------------------


def _add_finished_projects(stage: Stagehand) -> None:
    """Put the two small projects on the ledger that were done first."""
    benches = projects.ProjectText(
        title="单元门口长椅和遮雨棚",
        location="槐香里一区、二区共 12 个单元门口",
        problem="买菜回来没处歇脚，下雨天等人没处躲。",
        proposal="装 24 张带扶手的长椅，6 处遮雨棚。",
        supply_mode=SupplyMode.BUILD.value,
        budget_fen=8_600_000,
        decision_route=("preference_poll",),
        scope="一区、二区",
        build_months=1,
        upkeep_fen_per_year=300_000,
        upkeep_by="物业服务企业",
        risk="",
        costs=(Line("长椅", 4_800_000), Line("遮雨棚", 3_800_000)),
        funds=(Line("社区公益资金", 5_000_000), Line("驻社区单位支持", 3_600_000)),
        asked_by="居民小组长转来的邻居意见",
    )
    lamps = replace(
        benches,
        title="楼前路灯补装",
        location="一区 3、5、9 号楼前，二区 2 号楼西侧",
        problem="四段路晚上看不清台阶，去年摔了三位老人。",
        proposal="补装 18 盏太阳能路灯，台阶贴反光条。",
        budget_fen=5_400_000,
        upkeep_by="居委会，物业服务企业巡查",
        costs=(Line("路灯", 4_500_000), Line("安装和反光条", 900_000)),
        funds=(Line("社区公益资金", 5_400_000),),
    )
    with clock.set_to(stage.at(148)):
        for code, text in (("P09", benches), ("P10", lamps)):
            projects.add_project(
                SYSTEM, community_id=stage.community_id, code=code, text=text, picture=None
            )


def _earlier_poll(stage: Stagehand) -> None:
    """Decide on the four projects that came before this year's."""
    opens, closes = stage.at(140, 9), stage.at(128, 18)
    draft = PollDraft(
        title="先办哪几件小事？",
        explanation="四件小事，资金都有着落。每户最多选三件，想先办哪件就选哪件。",
        method=Method.CHOOSE,
        projects=tuple(TASTE),
        rules=Rules((THIRD,), (), k=3, seats=4),
        opens_at=opens,
        closes_at=closes,
    )
    mine = {"community_id": stage.community_id}
    with clock.set_to(opens):
        poll = voting.draft_poll(SYSTEM, draft=draft, **mine)
        voting.open_poll(SYSTEM, public_id=poll, **mine)
    dice = random.Random(SEED)  # noqa: S311 -- the demo is the same every time

    def answer() -> list[str]:
        liked = [code for code, share in TASTE.items() if dice.randrange(1000) < share]
        return liked[:3] or [NONE_OF_THEM]

    stage.cast_many(stage.community_id, poll, EARLIER_TURNOUT, (opens, closes), answer, dice)
    with clock.set_to(closes):
        voting.close_poll(SYSTEM, public_id=poll, **mine)
    with clock.set_to(stage.at(127, 9)):
        voting.publish_result(SYSTEM, public_id=poll, **mine)
    with clock.set_to(stage.at(110, 9)):
        voting.finalise_result(SYSTEM, public_id=poll, **mine)


def _decisions(stage: Stagehand) -> Iterator[tuple[datetime, Callable[[], object]]]:
    """Enter what meetings and owners decided before the building began."""
    for code, route, days, text in DECISIONS:
        decision = projects.Decision(route.value, stage.at(days, 19), text)
        yield (
            stage.at(days - 1, 9),
            lambda code=code, decision=decision: projects.enter_decision(  # type: ignore[misc]
                SYSTEM, community_id=stage.community_id, code=code, decision=decision
            ),
        )


def _works(stage: Stagehand) -> Iterator[tuple[datetime, Callable[[], object]]]:
    mine = {"community_id": stage.community_id}
    bodies = (
        ("P09", "居委会", "云台区第二建筑工程队"),
        ("P10", "居委会", "云台区路灯管理所"),
        ("P04", "北苑街道办事处", "云台区电力安装公司"),
        ("P03", "云台区住建局", "云台区第一建筑公司"),
    )
    for code, responsible, builder in bodies:
        yield (
            stage.at(105),
            _naming(stage, code, responsible, builder),
        )
    steps = (
        ("P10", "路灯安装", 96, 94),
        ("P09", "长椅安装", 95, 95),
        ("P04", "基础和雨棚", 80, 78),
        ("P04", "充电设备和消防", 50, 46),
        ("P03", "结构加固", 40, 36),
        ("P03", "室内装修", -20, None),
    )
    numbers: dict[str, int] = {}
    for code, title, planned, done in steps:
        numbers[code] = numbers.get(code, 0) + 1
        yield stage.at(103), _milestone(stage, code, title, planned)
        if done is not None:
            yield stage.at(done, 16), _finish(stage, code, numbers[code], done)
    reports = (
        ("P10", 94, "18 盏灯都亮了，台阶贴了反光条。"),
        ("P04", 46, "三处充电棚通电，消防设施验收合格。"),
        ("P03", 35, "加固做完，正在做室内水电。预计下月底完工。"),
    )
    for code, days, text in reports:
        progress = projects.Progress(text, f"demo-{code}-{days}", _photo(code))
        yield (
            stage.at(days, 17),
            lambda code=code, progress=progress: projects.report_progress(  # type: ignore[misc]
                SYSTEM, code=code, progress=progress, **mine
            ),
        )


def _photo(code: str) -> images.Picture | None:
    path = SAMPLE / "pictures" / f"{code}.png"
    return images.repaint(path.read_bytes()) if path.exists() else None


def _naming(stage: Stagehand, code: str, responsible: str, builder: str) -> Callable[[], None]:
    return lambda: projects.name_bodies(
        SYSTEM,
        community_id=stage.community_id,
        code=code,
        responsible=responsible,
        builder=builder,
    )


def _milestone(stage: Stagehand, code: str, title: str, planned: int) -> Callable[[], int]:
    return lambda: projects.plan_milestone(
        SYSTEM,
        community_id=stage.community_id,
        code=code,
        title=title,
        planned_on=stage.at(planned, 0),
    )


def _finish(stage: Stagehand, code: str, number: int, done: int) -> Callable[[], None]:
    return lambda: projects.finish_milestone(
        SYSTEM,
        community_id=stage.community_id,
        code=code,
        number=number,
        done_on=stage.at(done, 0),
    )


# --- ratings -------------------------------------------------------------------------------------


def _ratings(stage: Stagehand) -> Iterator[tuple[datetime, Callable[[], object]]]:
    """The lamps are rated, repaired and rated again; the benches once."""
    yield stage.at(69, 9), lambda: _round(stage, "P10", 69, low=2)
    yield stage.at(58, 9), lambda: _repair(stage)
    yield stage.at(48, 9), lambda: _round(stage, "P10", 48, low=0)
    yield stage.at(31, 9), lambda: _round(stage, "P09", 31, low=0)
    yield stage.at(42, 9), lambda: _finalise(stage, 0)
    yield stage.at(21, 9), lambda: _finalise(stage, 1)


def _finalise(stage: Stagehand, number: int) -> None:
    """End a publication period of the lamps' ratings; the benches' ends by itself, by its job."""
    poll = rounds(stage.community_id, "P10")[number].poll
    db.session.rollback()
    voting.finalise_result(SYSTEM, community_id=stage.community_id, public_id=poll)


def _round(stage: Stagehand, code: str, days: int, low: int) -> None:
    """One round of ten days; the question with the number `low` comes off badly."""
    opens, closes = stage.at(days, 9), stage.at(days - 10, 9)
    poll = ratings.start_rating(SYSTEM, community_id=stage.community_id, project_code=code, days=10)
    dice = random.Random(SEED + days)  # noqa: S311 -- the demo is the same every time

    def answer() -> list[str]:
        return [
            f"{code}.{n}={dice.choice((0, 1, 1, 2)) if n == low else dice.choice((2, 3, 3, 4, 4))}"
            for n in range(1, 10)
            if dice.randrange(10)
        ] or [f"{code}.9=3"]

    stage.cast_many(stage.community_id, poll, RATERS, (opens, closes), answer, dice)
    mine = {"community_id": stage.community_id, "public_id": poll}
    with clock.set_to(closes):
        voting.close_poll(SYSTEM, **mine)  # type: ignore[arg-type]
        voting.publish_result(SYSTEM, **mine)  # type: ignore[arg-type]


def _repair(stage: Stagehand) -> None:
    poll = rounds(stage.community_id, "P10")[-1].poll
    db.session.rollback()
    task = ratings.open_repair(
        SYSTEM,
        community_id=stage.community_id,
        poll=poll,
        repair=ratings.NewRepair(
            "P10.2",
            "五盏灯杆晃动，重新浇筑底座并加固。",
            "云台区路灯管理所",
            stage.at(52, 18),
        ),
    )
    with clock.set_to(stage.at(53, 15)):
        ratings.finish_repair(
            SYSTEM,
            community_id=stage.community_id,
            repair_id=task,
            note="五盏全部重做，居务监督委员会现场验收。",
        )


# --- the convention ------------------------------------------------------------------------------


def _convention(stage: Stagehand) -> Iterator[tuple[datetime, Callable[[], object]]]:
    text = _convention_text()
    mine: dict[str, Any] = {"community_id": stage.community_id, "number": 1}
    adopted = Resolution(Body.REPRESENTATIVES_MEETING, 54, 48, 41, 46)
    yield (
        stage.at(146),
        lambda: conventions.draft_convention(SYSTEM, community_id=stage.community_id, text=text),
    )
    for days, to in ((145, VersionState.CONSULTING), (118, VersionState.SUBMITTED)):
        yield (
            stage.at(days),
            lambda to=to: conventions.move_convention(SYSTEM, to=to, **mine),  # type: ignore[misc]
        )
    yield (
        stage.at(112),
        lambda: conventions.adopt_by_meeting(SYSTEM, resolution=adopted, **mine),
    )
    yield (
        stage.at(108),
        lambda: conventions.publish_convention(
            SYSTEM, filed_with="北苑街道办事处", filing_number="北苑备〔2026〕3 号", **mine
        ),
    )
    yield stage.at(100, 19), lambda: _sign(stage, text.sha256)
    yield stage.at(20), lambda: _second_version(stage, text)


def _convention_text() -> conventions.ConventionText:
    read = tomllib.loads((SAMPLE / "convention.toml").read_text(encoding="utf-8"))
    articles = tuple(
        Article(item["no"], ArticleClass(item["class"]), item["text"]) for item in read["article"]
    )
    about = read["convention"]
    return conventions.ConventionText(about["title"], about["preamble"], articles)


def _sign(stage: Stagehand, text_sha256: str) -> None:
    for actor in stage.neighbours(SIGNERS):
        conventions.sign_convention(
            actor,
            community_id=stage.community_id,
            number=1,
            text_sha256=text_sha256,
        )


def _second_version(stage: Stagehand, text: conventions.ConventionText) -> None:
    """Propose two changes: quiet hours on holidays, and where the dance music stops."""
    changed = {
        4: "晚上十点到早上六点轻声一些，中考高考期间提前到晚上九点。装修只在工作日白天进行，"
        "开工前在单元门口贴出起止日期和联系方式。",
        10: "公共绿地、健身器材和口袋公园轮流用、爱惜用，广场舞晚上八点半收音。认养的花池由认养人"
        "照看，社区提供水源和工具。",
    }
    articles = tuple(
        replace(article, text=changed.get(article.number, article.text))
        for article in text.articles
    )
    number = conventions.draft_convention(
        SYSTEM, community_id=stage.community_id, text=replace(text, articles=articles)
    )
    conventions.move_convention(
        SYSTEM, community_id=stage.community_id, number=number, to=VersionState.CONSULTING
    )


# --- a designer's proposal -----------------------------------------------------------------------


def _design(stage: Stagehand) -> None:
    """Two ways to build the pocket park, what was said of them, and the revision it led to."""
    read = tomllib.loads((SAMPLE / "design_and_rating.toml").read_text(encoding="utf-8"))
    designer = stage.staff("sheji", Role.DESIGNER)
    clerk = stage.staff("gongzuo", Role.CLERK)
    drawn = tuple(
        designs.Drawn(
            Plan(
                item["title"],
                item["summary"],
                item["cost"] * 100,
                item["upkeep_per_year"] * 100,
                "\n".join(item["fits"]),
                "\n".join(item["gives_up"]),
            ),
            _photo("P05") if number == 0 else None,
        )
        for number, item in enumerate(read["alternative"])
    )
    design = designs.post_proposal(
        designer,
        community_id=stage.community_id,
        new=designs.NewProposal("P05", "铁路绿带口袋公园，两种做法", drawn),
    )
    mine: dict[str, Any] = {"community_id": stage.community_id}
    designs.decide_proposal(clerk, design_id=design, publish=True, **mine)
    kinds = {"部分采纳": "partly", "未采纳": "not_adopted"}
    posts = []
    for actor, item in zip(stage.neighbours(20)[-2:], read["disposition"], strict=True):
        post = opinions.write_post(
            actor, subject=f"design:{design}", text=item["view"], once="demo-design", **mine
        )
        opinions.publish_post(clerk, post_id=post, **mine)
        opinions.dispose(
            clerk, post_id=post, disposition=kinds[item["result"]], why=item["reason"], **mine
        )
        posts.append(post)
    answer = "沙坑保留一半，加盖；另一半改弹性地面。"
    opinions.reply(designer, post_id=posts[0], text=answer, **mine)
    change = designs.Change(answer, posts[0], drawn)
    designs.revise_proposal(designer, design_id=design, change=change, **mine)
