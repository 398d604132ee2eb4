"""Keeping in words: what was looked at, what is wrong, and how it stands on the system home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app
from flask_babel import gettext as _

from app.core import clock, web
from app.core.errors import RuleBroken
from app.core.status import Line, State, watch
from app.core.times import time_text
from app.keeping import queries
from app.keeping.rules import (
    BACKUP_FRESH,
    BACKUP_OLD,
    DRILL_FRESH,
    DRILL_OLD,
    state_of_age,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.config import Settings
    from app.keeping.packing import Manifest
    from app.keeping.queries import Last
    from app.keeping.rules import Difference, Inventory

PLACE = 20


def size_text(size: int) -> str:
    """A size as people read it, rounded down."""
    for unit, name in ((2**30, "GB"), (2**20, "MB"), (2**10, "KB")):
        if size >= unit:
            tenths = size * 10 // unit
            return f"{tenths // 10}.{tenths % 10} {name}"
    return _("%(size)s 字节", size=size)


# --- what a drill says ---------------------------------------------------------------------------


def whole_file(manifest: Manifest) -> str:
    """The file itself."""
    return _(
        "文件完整，密钥对得上：%(at)s的备份，%(files)s 个文件逐个核对过。",
        at=time_text(clock.from_record(manifest.created_at)),
        files=len(manifest.files),
    )


def sound() -> str:
    """The engine's own look at the database."""
    return _("数据库自检正常。")


def unsound(said: str) -> str:
    """The engine found something."""
    return _("数据库自检不正常：%(said)s", said=said[:200])


def same(found: Inventory) -> str:
    """Counts and heads."""
    return _(
        "%(tables)s 张表共 %(rows)s 行、%(logs)s 份协商记录的末尾，都与清单一致。",
        tables=len(found.counts),
        rows=f"{sum(found.counts.values()):,}",
        logs=len(found.logs),
    )


def difference(one: Difference) -> str:
    """One thing that is not as the manifest says."""
    what = {
        "migration": _("表结构的版本"),
        "count": _("表 %(name)s 的行数", name=one.name),
        "head": _("%(name)s 的协商记录末尾", name=one.name),
    }[one.what]
    return _(
        "%(what)s不一致：应是 %(expected)s，实际是 %(found)s",
        what=what,
        expected=one.expected,
        found=one.found,
    )


def pictures(manifest: Manifest) -> str:
    """Pictures."""
    number = sum(name.startswith("files/pictures/") for name in manifest.files)
    return _("照片齐全：%(number)s 个文件。", number=number)


def missing_pictures(number: int) -> str:
    """Pictures that the database names and nobody has."""
    return _("缺 %(number)s 个照片文件。", number=number)


def verified(code: str, size: int) -> str:
    """A log that the verifier found good."""
    return _("%(code)s 的协商记录 %(size)s 条，核对程序重新数过，一致。", code=code, size=size)


def not_verified(code: str, lines: Sequence[str]) -> str:
    """A log that the verifier did not find good."""
    return _("%(code)s 的协商记录没有通过核对：", code=code) + "\n" + "\n".join(lines)


def other_secret() -> str:
    """The environment says another secret than the backup."""
    return _(
        "环境里的 LINYI_SECRET_KEY 和备份里的不同，信上的编码会对不上。"
        "备份里的那一个已放进数据目录的 secret.key：请从环境里去掉 LINYI_SECRET_KEY 再启动。"
    )


def other_signing_key(path: str) -> str:
    """The key that signs the record is not the one of the backup."""
    return _(
        "签名密钥从不进备份，现在的不是备份时的那一把。请把另外保管的那一把放到 %(path)s 再启动，"
        "否则以前的校验点会核对不上。",
        path=path,
    )


def field_name(field: str) -> str:
    """What is kept for a time, as an operator calls it."""
    return {
        "sessions": _("登录记录"),
        "desk_numbers": _("服务台的一次性号码"),
        "desk_visits": _("服务台现场代办的记录"),
        "body_acting": _("谁代表过单位"),
        "owner_roles": _("谁核对过是业主"),
        "proxies": _("委托书的登记"),
        "outreach": _("要纸质材料、上门和看名单的登记"),
        "corrections": _("办过的更正"),
        "codes": _("作废的住户编码"),
        "roll_uploads": _("上传的户底册"),
        "inbox": _("消息"),
        "jobs": _("办完的后台事项"),
        "role_proposals": _("定过的和作废的提名、过期的代核人"),
        "sent_forms": _("交过的表单的记号"),
        "security_log": _("安全日志"),
        "openings": _("意愿征集和居民会议表决里每张选票选了什么（按投票次数算）"),
    }[field]


# --- broken rules --------------------------------------------------------------------------------

_ENGINES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def _broken(error: RuleBroken) -> str:
    facts = {name: str(value) for name, value in error.facts.items()}
    for sentences in (_of_keys, _of_files, _of_databases, _of_settings):
        found = sentences(facts).get(error.code)
        if found is not None:
            return found
    return _not_good(error)


def _of_keys(facts: dict[str, str]) -> dict[str, str]:
    path = facts.get("path", "")
    return {
        "keeping.no_key_setting": _(
            "没有设 LINYI_BACKUP_KEY_FILE，不能加密，所以没有备份。"
            "请设好以后运行 flask --app wsgi backup --new-key。"
        ),
        "keeping.no_key": _(
            "读不到备份密钥 %(path)s。什么都没有改动。请检查路径和权限；"
            "还没有密钥的，运行 flask --app wsgi backup --new-key。",
            path=path,
        ),
        "keeping.bad_key": _(
            "%(path)s 里不是备份密钥，或者抄错了。什么都没有改动。请对照纸上的再看一遍。",
            path=path,
        ),
        "keeping.key_exists": _(
            "%(path)s 已经有密钥，不会覆盖：以前的备份只有它能打开。", path=path
        ),
        "keeping.key_unwritable": _("%(path)s 写不进去，没有做成密钥。请换一个地方。", path=path),
        "keeping.other_key": _(
            "这份备份是用另一把密钥加密的，现在的密钥打不开。什么都没有改动。请找出当时的那一把。"
        ),
    }


def _of_files(facts: dict[str, str]) -> dict[str, str]:
    why = facts.get("why", "")
    return {
        "keeping.no_folder": _(
            "没有说备份放在哪里，没有备份。请设 LINYI_BACKUP_DIR，或用 -o 指定。"
        ),
        "keeping.no_file": _("打不开文件 %(path)s。什么都没有改动。", path=facts.get("path", "")),
        "keeping.no_backup": _("%(folder)s 里还没有备份。", folder=facts.get("folder", "")),
        "keeping.not_a_backup": _("这个文件不是邻议的备份，或者开头损坏了。什么都没有改动。"),
        "keeping.newer_format": _newer(facts),
        "keeping.newer_program": _newer(facts),
        "keeping.damaged": _(
            "这份备份不完整或被改过，不能用。什么都没有改动。请用另一份备份再试。"
        ),
        "keeping.not_written": _(
            "没有写成（%(why)s）。没有留下半份备份，现有的数据没有改动。请看看磁盘满没满、有没有权限。",
            why=why,
        ),
        "keeping.not_swapped": _(
            "没有换成（%(why)s）。原来的数据已经放回原处。请处理以后再试。", why=why
        ),
    }


def _newer(facts: dict[str, str]) -> str:
    return _(
        "这份备份出自更新的版本（%(version)s），这里的程序不认得。什么都没有改动。请先升级程序。",
        version=facts.get("version", ""),
    )


def _of_databases(facts: dict[str, str]) -> dict[str, str]:
    why = facts.get("why", "")
    return {
        "keeping.broken_database": _(
            "数据库自检不正常（%(why)s），没有备份。请先恢复最近一份好的备份。", why=why
        ),
        "keeping.no_database": _("连不上数据库（%(why)s）。什么都没有改动。", why=why),
        "keeping.in_use": _(
            "还有程序在用数据库。什么都没有改动。请先停掉门户和 worker，再试一次。"
        ),
        "keeping.no_pg_tool": _(
            "找不到 %(tool)s（要 %(major)s 以上的版本）。什么都没有改动。"
            "请装好 PostgreSQL 客户端，或用 LINYI_PG_BIN 指出它在哪个目录。",
            tool=facts.get("tool", ""),
            major=facts.get("major", ""),
        ),
        "keeping.pg_failed": _(
            "%(tool)s 没有做成：%(why)s。什么都没有改动。", tool=facts.get("tool", ""), why=why
        ),
        "keeping.may_not_create": _(
            "数据库账号不能建库（%(why)s）。什么都没有改动。请给它 CREATEDB 的权限。", why=why
        ),
        "keeping.other_engine": _(
            "这份备份来自 %(engine)s，这里用的是另一种数据库。什么都没有改动。"
            "请先恢复到 %(engine)s，再用 move 搬过来。",
            engine=_ENGINES.get(facts.get("engine", ""), ""),
        ),
        "keeping.not_empty": _(
            "这里已经有数据，没有恢复。真要换成备份里的，请加 --replace："
            "现有的会先挪到一边，不删除。"
        ),
        "keeping.move_from": _("现在用的不是 SQLite，没有可搬的。什么都没有改动。"),
        "keeping.move_to": _("--to 要写成 postgresql://用户:密码@主机/库名。什么都没有改动。"),
        "keeping.target_not_empty": _("目标库不是空的，没有搬。请另建一个空库。"),
        "keeping.not_at_head": _(
            "现有数据库的表结构不是这个版本的，没有搬。请先运行 flask --app wsgi db upgrade。"
        ),
        "keeping.move_failed": _(
            "搬到表 %(table)s 时没有成功：%(why)s。目标库仍是空的，这边什么都没有改动。",
            table=facts.get("table", ""),
            why=why,
        ),
        "keeping.replay_failed": _(
            "备份已经恢复，但备份以后删除过的内容没有能再删一遍（%(why)s）。"
            "请先不要启动门户，处理以后运行 flask --app wsgi retention run --replay。",
            why=why,
        ),
    }


def _of_settings(facts: dict[str, str]) -> dict[str, str]:
    return {
        "keeping.bad_keep": _("LINYI_BACKUP_KEEP 要写成 7/4/12 这样：留几天、几周、几个月的。"),
        "keeping.bad_time": _("LINYI_BACKUP_AT 要写成 03:10 这样的时刻。"),
        "keeping.bad_period": _(
            "LINYI_KEEP_%(name)s_DAYS 不对：不认得，或者少于 %(minimum)s 天。"
            "请看 docs/settings.md。",
            name=facts.get("name", "").upper(),
            minimum=facts.get("minimum", ""),
        ),
    }


def _not_good(error: RuleBroken) -> str:
    wrong = error.facts.get("wrong")
    lines = [str(line) for line in wrong] if isinstance(wrong, list) else []
    return _("这份备份有问题，没有恢复，什么都没有改动：") + "\n".join(["", *lines])


web.explain("keeping", _broken)


def _erase_broken(error: RuleBroken) -> str:
    return {
        "erase.works_here": _(
            "您还在社区工作，办过的事要有人负责，不能直接删除。什么都没有删。"
            "请先让系统管理员停用您的工作身份，再来删除。"
        ),
        "erase.lives_elsewhere": _(
            "这一位在别的社区也有一户，这里不能代办。什么都没有删。请本人在自己手机上"
            "打开“我的资料”删除。"
        ),
    }[error.code]


web.explain("erase", _erase_broken)


# --- the system home -----------------------------------------------------------------------------


@watch(PLACE)
def lines() -> list[Line]:
    """The last backup, the last good drill, and where backups go."""
    settings: Settings = current_app.config["SETTINGS"]
    if settings.backup_dir is None:
        return [_not_set_up(settings)]
    return [_backup_line(), _drill_line(), _where_line(settings)]


def _not_set_up(settings: Settings) -> Line:
    return Line(
        "backup",
        _("备份"),
        _("没有设定时备份"),
        State.BAD if settings.production else State.ATTENTION,
        _("请设 LINYI_BACKUP_DIR 和 LINYI_BACKUP_KEY_FILE，见 docs/backup.md。"),
    )


def _backup_line() -> Line:
    found = queries.last("backup")
    state = state_of_age(
        clock.now(), found.good_at, last_ok=found.ok, fresh=BACKUP_FRESH, old=BACKUP_OLD
    )
    value = _("还没有备份过")
    if found.good_at is not None:
        value = _("%(at)s，%(size)s", at=time_text(found.good_at), size=size_text(found.size))
    advice = _("请看 worker 是不是在运行，再手工备份一次：flask --app wsgi backup。")
    return Line("backup", _("最近一份好的备份"), value, state, _why(found, state, advice))


def _drill_line() -> Line:
    found = queries.last("drill")
    state = state_of_age(
        clock.now(), found.good_at, last_ok=found.ok, fresh=DRILL_FRESH, old=DRILL_OLD
    )
    value = _("还没有演练过：没有恢复过的备份不算数")
    if found.good_at is not None:
        value = _("%(at)s，用了 %(seconds)s 秒", at=time_text(found.good_at), seconds=found.seconds)
    advice = _("请手工演练一次：flask --app wsgi restore 备份文件 --drill。")
    return Line("drill", _("最近一次成功的恢复演练"), value, state, _why(found, state, advice))


def _why(found: Last, state: State, advice: str) -> str:
    """What to do; a try that failed says why it did."""
    if state is State.OK:
        return ""
    if found.at is None or found.ok:
        return advice
    return _("%(at)s那一次没有成功。%(why)s", at=time_text(found.at), why=found.why)


def _where_line(settings: Settings) -> Line:
    folder = settings.backup_dir
    if folder is None or not folder.is_dir():
        return Line(
            "backup_where",
            _("备份放在哪里"),
            str(folder),
            State.ATTENTION,
            _("这个目录还没有。第一次备份时会建；如果是另一块盘，请看看挂上没有。"),
        )
    beside = folder.stat().st_dev == settings.data_dir.stat().st_dev
    return Line(
        "backup_where",
        _("备份放在哪里"),
        str(folder),
        State.ATTENTION if beside else State.OK,
        _("和数据在同一块盘上，盘坏了两样都没有。请再存一份到别处。") if beside else "",
    )
