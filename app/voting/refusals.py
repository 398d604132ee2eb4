"""Why something about a poll was not done: what happened, whether it was saved, what to do now."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from flask_babel import gettext as _

from app.core import times, web

if TYPE_CHECKING:
    from app.core.errors import RuleBroken


def _moment(error: RuleBroken, name: str) -> str:
    at = error.facts.get(name)
    return times.time_text(at) if isinstance(at, datetime) else ""


def ballot(error: RuleBroken) -> str:
    """Why a ballot was not taken."""
    sentences = {
        "ballot.nothing_chosen": _("您还没有选。选票还没有存上。请选好以后再提交。"),
        "ballot.too_many": _(
            "最多选 %(k)s 项，您选了 %(chosen)s 项。选票还没有存上。请去掉一些再提交。",
            k=error.facts.get("k", ""),
            chosen=error.facts.get("chosen", ""),
        ),
        "ballot.none_and_some": _(
            "您同时选了项目和“均不同意”，不能确定您的意思。选票还没有存上。请只留一种再提交。"
        ),
        "ballot.duplicate": _("有一项选了两次。选票还没有存上。请重新选好再提交。"),
        "ballot.unknown_option": _("选票上没有您提交的这一项。选票还没有存上。请在下面重新选。"),
        "ballot.other_session": _(
            "这张选票是在另一次进入时打开的。为了您的安全，没有存上。您选的还在下面，请核对后再提交一次。"
        ),
        "ballot.other_home": _(
            "这张选票是替您的另一户打开的，打开以后您换了一户。为了不投错，这一次没有存上，以前投的票都不变。"
            "请看清现在代表的是哪一户，再选、再提交。"
        ),
        "ballot.not_open_yet": _(
            "投票还没有开始，选票没有存上。请在%(at)s以后再来。",
            at=_moment(error, "opens_at"),
        ),
        "ballot.closed": _("投票已经截止，选票没有存上，也不会计票。请看结果。"),
        "ballot.not_in_electorate": _(
            "这次投票开放时，本户不在参加名单里，选票没有存上。如有疑问，请到社区服务台。"
        ),
        "ballot.nothing_to_hand_on": _(
            "这一户还没有投票，谁先投，谁就能改，不用移交。什么都没有改动。请直接投票。"
        ),
        "ballot.by_proxy": _(
            "持本户委托书的人已替本户投票，时间%(at)s。您这一张没有存上。一户一票，先投的算数；如有异议，请到社区服务台。",
            at=_moment(error, "at"),
        ),
        "ballot.own_first": _(
            "这一户自己已经投了票，时间%(at)s。委托书这次用不上，这一张没有存上，也不会计票。",
            at=_moment(error, "at"),
        ),
        "ballot.other_member": _(
            "本户已由另一位家人投票，时间%(at)s。您这一张没有存上。一户一票，由先投的人修改；如有异议，请到社区服务台。",
            at=_moment(error, "at"),
        ),
    }
    return sentences[error.code]


def poll(error: RuleBroken) -> str:
    """Why a poll was not opened, changed, closed or published."""
    sentences = {
        "poll.frozen": _(
            "这项投票已经不是草稿，内容不能再改。这次什么都没有保存。请回到投票页查看现在的状态。"
        ),
        "poll.not_yet": _("还没有到时间，什么都没有改动。到时间系统会自动办理。"),
        "poll.no_electorate": _(
            "户底册里还没有住宅住户，没有人能参加投票。投票没有开放。请先导入户底册。"
        ),
        "poll.opens_in_the_past": _(
            "预定的开始时间已经过去，没有排上。请改一个以后的时间，或选择现在开放。"
        ),
        "poll.not_closed": _("只有已经截止、还没有公示的结果才能公示。这次什么都没有改动。"),
    }
    return sentences[error.code]


def clock(_error: RuleBroken) -> str:
    """Why nothing is opened or closed while the clock is behind."""
    return _(
        "服务器的时钟比最近一条记录还早，为了不弄乱先后，现在不能开放、截止或计票。这次没有保存。请联系系统运维人员校准时钟。"
    )


def draft(error: RuleBroken) -> str:
    """What keeps a draft from being saved or opened."""
    return draft_problem(error.code)


def draft_problem(code: str) -> str:
    """One problem of a draft in words."""
    return {
        "draft.kind_not_offered": _("这里不能发起这一种表决，请按程序另行办理。"),
        "draft.not_the_law": _("居民会议表决的法定人数不能改，没有保存。"),
        "draft.no_title": _("请写投票的题目。"),
        "draft.title_long": _("题目太长，请不超过 120 个字。"),
        "draft.too_short": _("投票至少要开放 1 小时，请把截止时间放晚一些。"),
        "draft.too_long": _("投票最长开放 60 天，请把截止时间放早一些。"),
        "draft.closes_uneven": _("截止时间请写到整分。"),
        "draft.over": _("截止时间已经过去，请改一个以后的时间。"),
        "draft.option_twice": _("有一个项目选了两次，请去掉一个。"),
        "draft.option_reserved": _("有一个项目的编号是 none，和“均不同意”相混，请换编号。"),
        "draft.bad_share": _("比例不成立，请重新选择。"),
        "draft.one_project": _("请选一个项目。"),
        "draft.no_agreement": _("请选择怎样才算通过。"),
        "draft.options_number": _("请选 2 到 30 个项目。"),
        "draft.bad_k": _("每户最多选几项，要在 1 和项目个数之间。"),
        "draft.bad_scale": _("评价只能用五档。"),
        "draft.bad_seats": _("胜出几项，要在 1 和项目个数之间。"),
    }[code]


web.explain("ballot", ballot)
web.explain("poll", poll)
web.explain("clock", clock)
web.explain("draft", draft)
