"""The ledger's terms and refusals as people read them."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import web
from app.core.errors import RuleBroken
from app.core.times import in_record_language
from app.core.words import yuan
from app.projects.rules import Route, Stage, SupplyMode

SUPPLY_MODES = {
    SupplyMode.BUILD: _l("补建"),
    SupplyMode.BUY: _l("购置"),
    SupplyMode.SWAP: _l("置换"),
    SupplyMode.RENT: _l("租赁"),
    SupplyMode.CONVERT: _l("改造"),
}
ROUTES = {
    Route.PREFERENCE_POLL: _l("意愿征集"),
    Route.CONSULTATION: _l("社区协商"),
    Route.REPRESENTATIVES_MEETING: _l("居民代表会议表决"),
    Route.OWNERS_SIMPLE: _l("业主共同决定（一般事项）"),
    Route.OWNERS_MAJOR: _l("业主共同决定（重大事项）"),
}
STAGES = {
    Stage.PLAN: _l("共谋"),
    Stage.BUILD: _l("共建"),
    Stage.MANAGE: _l("共管"),
    Stage.RATE: _l("共评"),
    Stage.SHARE: _l("共享"),
}


def routes_text(routes: tuple[str, ...]) -> str:
    """The legal acts a project must pass, in order."""
    return _("，再经").join(str(ROUTES[Route(route)]) for route in routes)


def route_text(route: str) -> str:
    """One legal act."""
    return str(ROUTES[Route(route)])


def routes_translated(frozen: str) -> str:
    """Routes that were frozen in Chinese, in the reader's language; any other text as it is."""
    with in_record_language():
        joint, known = _("，再经"), {str(name): route for route, name in ROUTES.items()}
    routes = frozen.split(joint)
    if not set(routes) <= set(known):
        return frozen
    return routes_text(tuple(known[route].value for route in routes))


def stage_text(stage: Stage) -> str:
    """Which of the five stages a project is in."""
    return str(STAGES[stage])


def supply_mode_text(mode: str) -> str:
    """How the gap is filled; empty when nobody has said."""
    return str(SUPPLY_MODES[SupplyMode(mode)]) if mode else ""


def _plain() -> dict[str, str]:
    return {
        "project.stage": _("五步只能一步一步往前走，什么都没有改动。请刷新看一看。"),
        "project.progress_empty": _("进展是空的或者太长，没有公布。最多 1,000 字。"),
        "project.milestone_empty": _("节点要有名称和日子，没有保存。"),
        "project.milestone_done": _("这个节点已经记过完成的日子，没有改动。"),
        "project.route": _("这个项目不用登记这种决定，没有保存。意愿征集请在“投票”里办。"),
        "project.decision_empty": _("决定的结果是空的，没有保存。请写明人数。"),
        "project.decision_ahead": _("决定的日子还没有到，没有保存。"),
        "project.decided": _("这种决定已经登记过，不能再改，这次没有保存。"),
        "project.in_the_future": _("完成的日子还没有到，没有保存。"),
    }


def refusal(error: RuleBroken) -> str:
    """Why the project was not saved, and what to do."""
    if error.code == "project.budget":
        return _("预算要大于 0 元。项目没有保存，请填写预算后再试。")
    if error.code == "project.code_taken":
        return _(
            "编号 %(code)s 已经用过。项目没有保存，请换一个编号。",
            code=error.facts["taken"],
        )
    if error.code in (plain := _plain()):
        return plain[error.code]
    side = _("造价明细") if error.code == "project.costs_do_not_add_up" else _("资金来源")
    return _(
        "%(side)s合计 %(total)s 元，与预算 %(budget)s 元不相等。项目没有保存，请核对后再试。",
        side=side,
        total=yuan(int(str(error.facts["total_fen"]))),
        budget=yuan(int(str(error.facts["budget_fen"]))),
    )


web.explain("project", refusal)
