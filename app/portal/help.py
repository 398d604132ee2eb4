"""Hard words in plain ones, each with the law or the rule it comes from; and how to begin.

The texts stand here alone: the page of all words, and the explanations beside a word where it
first matters (`templates/_shared/terms.html`), read the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from flask import Blueprint, Response, abort, current_app, render_template, request
from flask_babel import get_locale
from flask_babel import gettext as _

from app.core import guard
from app.core.actor import Role
from app.exports import guides

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue

bp = Blueprint("help", __name__)


@dataclass(frozen=True, slots=True)
class Term:
    """A word, what it means here, and the law or rule behind it where there is one."""

    key: str
    word: str
    text: str
    source: str = ""


def _ballots() -> list[Term]:
    return [
        Term(
            "preference_poll",
            _("意愿征集"),
            _(
                "问一问大家想要什么，给社区安排项目作参考。它不是法律上的表决：法律要求业主或居民会议决定的事，另外再办。"
            ),
            _("本平台规则；不同于《民法典》第二百七十八条和《城市居民委员会组织法》的表决"),
        ),
        Term(
            "named",
            _("记名"),
            _(
                "系统记着这张票是哪一户投的，才能保证一户一票，也才能让您回来改。邻居和工作人员看不到您选了什么。"
            ),
            _("本平台规则"),
        ),
        Term(
            "abstain",
            _("弃权"),
            _("来了，但不表态。算参加的户数，不算同意。和不投票不一样：不投票就是没参加。"),
            _("本平台规则"),
        ),
        Term(
            "none_of_these",
            _("均不同意"),
            _("列出来的项目一个都不要。算参加的户数，不给任何项目加票。"),
            _("本平台规则"),
        ),
        Term(
            "electorate",
            _("应参加户数"),
            _("投票开放那一刻，户底册上全部住宅的户数。算比例时拿它作分母，以后搬进搬出不变。"),
            _("本平台规则"),
        ),
        Term(
            "threshold",
            _("表决门槛"),
            _(
                "怎样才算数：至少多少户参加，多少户同意。开放以前写明白，开放以后谁也不能改。“过半数”是比一半多，正好一半不算；“以上”包括本数。"
            ),
            _("《民法典》第一千二百五十九条（“以上”包括本数）"),
        ),
        Term(
            "follow_majority",
            _("从多"),
            _(
                "事先讲明：送到了选票又没交回的，算作跟多数人一样。这里的意愿征集不用这个办法，没投就是没参加。"
            ),
            _("本平台规则"),
        ),
        Term(
            "check_code",
            _("核对码"),
            _(
                "收据上的 16 个字母和数字，分四组。凭它能在公开记录里找到您家的票。"
                "截止以后，谁拿着它，谁就看得到您选了什么，请自己收好。"
            ),
            _("本平台规则"),
        ),
        Term(
            "publicity",
            _("公示"),
            _(
                "把结果贴出来、放到网上让大家看，期间可以提异议。"
                "至少 15 天，公布当天不算，最后一天到 24 点。"
            ),
            _("《城市居民委员会组织法》（2025 修订）第三十四条"),
        ),
    ]


def _meetings() -> list[Term]:
    return [
        Term(
            "quorum",
            _("到会人数"),
            _(
                "来多少人，会上的表决才算数。居民会议要有过半数的人或户到会，居民代表会议要有三分之二以上的成员到会。"
            ),
            _("《城市居民委员会组织法》（2025 修订）第二十七条、第二十九条"),
        ),
        Term(
            "representatives_meeting",
            _("居民代表会议"),
            _(
                "居委会成员和居民推选的代表一起开的会。三分之二以上到会才能开，到会的过半数同意才算通过。"
            ),
            _("《城市居民委员会组织法》（2025 修订）第二十八条、第二十九条"),
        ),
        Term(
            "disposition",
            _("采纳、部分采纳、不采纳"),
            _(
                "大家的每条意见，居委会都要说怎么处理：照办、办一部分，还是不办，都要写理由。没说清楚，协商结果不能公示。"
            ),
            _("本平台规则"),
        ),
        Term(
            "filing",
            _("报备（备案）"),
            _(
                "居民公约通过以后，报街道办事处留一份。备案不等于批准；违法的地方，街道可以要求改正。"
            ),
            _("《城市居民委员会组织法》（2025 修订）第三十一条"),
        ),
        Term(
            "owners_joint",
            _("业主共同决定"),
            _(
                "动用维修资金、改建设施、改变共有部分用途这些事，法律规定要业主一起定：户数和面积都要有三分之二以上参加；一般的事，参加的过半同意，重大的事，参加的四分之三以上同意。这里的意愿征集代替不了它。"
            ),
            _("《民法典》第二百七十八条"),
        ),
    ]


def _households() -> list[Term]:
    return [
        Term(
            "roll",
            _("户底册"),
            _("居委会的住户名册，一行一户。用来发信、核对身份、计算户数，不作别的用。"),
            _("《个人信息保护法》第六条（够用就好）"),
        ),
        Term(
            "head",
            _("户主"),
            _("底册上登记的这一户的当家人。投票不限户主：家里成年人谁先投，就由谁改。"),
            _("本平台规则"),
        ),
        Term(
            "owner",
            _("产权人"),
            _(
                "房本上写的人。和住在里面的人不一定是同一个：租户也是居民，可以参加意愿征集；业主共同决定只算产权人。"
            ),
            _("《民法典》第二百七十八条"),
        ),
        Term(
            "exclusive_area",
            _("专有部分面积"),
            _(
                "自家那一套的面积，按不动产登记簿（房本）算；还没登记的按实测，没实测的按购房合同。业主共同决定时，除了数户数，还要数这个面积。"
            ),
            _("《民法典》第二百七十八条；最高人民法院建筑物区分所有权司法解释第八条"),
        ),
    ]


def groups() -> list[tuple[str, list[Term]]]:
    """Every word by what it is about."""
    return [
        (_("投票和结果"), _ballots()),
        (_("开会和商量"), _meetings()),
        (_("住户和房子"), _households()),
    ]


_GROUPS: tuple[Callable[[], list[Term]], ...] = (_ballots, _meetings, _households)


def terms(*keys: str) -> list[Term]:
    """The named words in the order asked for. Raises: KeyError for a word nobody explains."""
    known = _by_key(str(get_locale()))
    return [known[key] for key in keys]


@cache
def _by_key(_language: str) -> dict[str, Term]:
    """Every word of a language; they change with the program alone."""
    return {term.key: term for group in _GROUPS for term in group()}


@bp.get("/help")
@guard.public
def index() -> ResponseReturnValue:
    """Every hard word, and how each role begins."""
    return render_template(
        "portal/help.html",
        groups=groups(),
        guides=[(role.value, name) for role, name in guides.names().items()],
    )


@bp.get("/help/guide/<role>.pdf")
@guard.public
def guide(role: str) -> ResponseReturnValue:
    """Hand out a role's page of paper, with a community's desk on it where one is named."""
    if role not in set(Role):
        abort(404)
    code = request.args.get("community", "")
    base_url = current_app.config["SETTINGS"].base_url
    data = guides.guide_pdf(Role(role), base_url, guides.desk_of(code))
    answer = Response(data, mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'attachment; filename="linyi-guide-{role}.pdf"'
    return answer


def init(app: Flask) -> None:
    """Let templates explain a word where it stands."""
    app.jinja_env.globals["terms"] = terms
