"""Words for the convention."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.conventions.rules import ArticleClass, Body, State
from app.core import web
from app.core.errors import RuleBroken
from app.meetings.words import BODIES

STATES = {
    State.DRAFT: ("", _l("草稿")),
    State.CONSULTING: ("go", _l("征求意见")),
    State.SUBMITTED: ("wait", _l("提请审核")),
    State.ADOPTED: ("info", _l("已通过，待备案公布")),
    State.PUBLISHED: ("go", _l("已公布施行")),
}
# The classes of articles as readers read and type them; Chinese is understood in every language.
CLASSES = {
    ArticleClass.GENERAL.value: _l("总则"),
    ArticleClass.CONDUCT.value: _l("规范日常行为"),
    ArticleClass.ORDER.value: _l("维护公共秩序"),
    ArticleClass.RIGHTS.value: _l("保障群众权益"),
    ArticleClass.DISPUTES.value: _l("调解群众纠纷"),
    ArticleClass.CUSTOMS.value: _l("引导民风民俗"),
    ArticleClass.FINAL.value: _l("附则"),
}
CHANGES = {"added": _l("新增"), "removed": _l("删去"), "changed": _l("修改")}


def state_badge(state: State, replaced_by: int | None = None) -> tuple[str, str]:
    """Kind and words of the badge; `replaced_by` is the version in force when it is a later one."""
    if state is State.PUBLISHED and replaced_by is not None:
        return "", _("已被第 %(number)s 版代替", number=replaced_by)
    kind, text = STATES[state]
    return kind, str(text)


def class_name(kind: str) -> str:
    """The heading of a class of articles."""
    return str(CLASSES.get(kind, kind))


def class_called(typed: str) -> ArticleClass | None:
    """The class that somebody typed, in Chinese or in their own language; None for another word."""
    names = {str(CLASSES[one.value]).casefold(): one for one in ArticleClass}
    return names.get(typed.casefold()) or (ArticleClass(typed) if typed in CLASSES else None)


def line_of(kind: str, text: str) -> str:
    """An article as its writer types it."""
    return _("%(kind)s｜%(text)s", kind=class_name(kind), text=text)


def adoption_text(body: str, base: int, present: int, in_favour: int) -> str:
    """Who adopted, with the numbers."""
    return _(
        "%(body)s通过：应到 %(base)s，到会 %(present)s，同意 %(favour)s",
        body=BODIES[Body(body)],
        base=f"{base:,}",
        present=f"{present:,}",
        favour=f"{in_favour:,}",
    )


def _broken(error: RuleBroken) -> str:
    facts = error.facts
    sentences = {
        "convention.wrong_state": _("这一版现在不是这一步，什么都没有改动。请刷新看一看。"),
        "convention.waiting": _(
            "还有 %(number)s 条居民意见没有答复采纳不采纳，什么都没有改动。请先逐条答复。",
            number=facts.get("number", ""),
        ),
        "convention.unfinished": _(
            "第 %(number)s 版还没有公布，先办完它再起草新版。", number=facts.get("number", "")
        ),
        "convention.frozen": _("提请审核以后条文不能再改，没有保存。"),
        "convention.no_articles": _(
            "一条都没有，没有保存。最多 %(most)s 条。", most=facts.get("most")
        ),
        "convention.class": _(
            "第 %(number)s 条前面没有写类别，或者类别写错了，没有保存。请照“条文”下面的说明写。",
            number=facts.get("number", ""),
        ),
        "convention.article": _(
            "第 %(number)s 条是空的或者太长，没有保存。每条最多 %(most)s 字。",
            number=facts.get("number", ""),
            most=facts.get("most", ""),
        ),
        "convention.not_to_vote": _(
            "这一版现在不在表决这一步：要在提请审核以后、通过以前。什么都没有保存。"
        ),
        "convention.vote_runs": _(
            "这一版正在表决，不能同时再开一项。什么都没有保存。请等它截止，看结果。"
        ),
        "convention.no_poll": _("没有这项表决，或者结果还没有公示，没有保存。"),
        "convention.poll_before": _("这项表决在公约提请审核以前就开始了，不能用。没有保存。"),
        "convention.poll_other": _("这项表决问的不是这一版公约的这份条文，没有保存。"),
        "convention.poll_not_passed": _("这项表决没有通过，没有保存。"),
        "convention.no_filing": _("请写上备案机关和备案编号，没有公布。"),
        "convention.not_in_force": _("这一版不是现行的公约，没有签。请签现行的一版。"),
        "convention.text_changed": _("条文和您读的不一样了，没有签。请重新读一遍再签。"),
        "convention.no_drawing": _(
            "没有看清您写的名字，没有签。请再写一次，或者直接按“我愿意遵守”。"
        ),
    }
    return sentences[error.code]


web.explain("convention", _broken)
