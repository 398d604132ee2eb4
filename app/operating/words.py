"""What each check is called, and the sentence for each outcome: what is wrong, what to do."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core import status
from app.core.status import State
from app.core.times import is_chinese, time_text
from app.operating import checks
from app.operating.rules import Check, Finding

if TYPE_CHECKING:
    from flask_babel.speaklater import LazyString

NAMES: dict[Check, LazyString] = {
    Check.DATA: _l("数据目录"),
    Check.SECRET_KEY: _l("登录密钥"),
    Check.RECORD_KEY: _l("记录签名密钥"),
    Check.SLIPS: _l("管理员的条子"),
    Check.DISK: _l("磁盘空间"),
    Check.CLOCK: _l("时钟"),
    Check.ADDRESS: _l("网址"),
    Check.PROXY: _l("前置代理"),
    Check.DATABASE: _l("数据库"),
    Check.MIGRATIONS: _l("数据库版本"),
    Check.DURABILITY: _l("断电保护"),
    Check.WORKER: _l("后台任务"),
    Check.JOBS: _l("失败的任务"),
    Check.BACKUP: _l("备份"),
    Check.DRILL: _l("恢复演练"),
    Check.FONTS: _l("打印字体"),
    Check.PYTHON: _l("Python 版本"),
    Check.PACKAGES: _l("程序库"),
    Check.MESSAGES: _l("短信和邮件"),
}

STATES: dict[State, LazyString] = {
    State.OK: _l("正常"),
    State.ATTENTION: _l("注意"),
    State.BAD: _l("不行"),
}

_UNSEEN = (
    _l("数据库没有打开，或者还没有这张表，这一项没有看成。"),
    _l("先解决数据库的问题，再看一次。"),
)

SENTENCES: dict[tuple[Check, str], tuple[LazyString, LazyString | str]] = {
    (Check.DATA, "ok"): (_l("%(path)s 可以写，别的用户进不去。"), ""),
    (Check.DATA, "missing"): (
        _l("%(path)s 不存在。"),
        _l("请建好这个目录，或者改 LINYI_DATA_DIR，然后重新启动。"),
    ),
    (Check.DATA, "not_writable"): (
        _l("%(path)s 写不进去，什么都存不了。"),
        _l("请让运行程序的用户拥有它：chown -R 用户名 目录。"),
    ),
    (Check.DATA, "open"): (
        _l("%(path)s 的权限是 %(mode)s，这台机器上的别人能看到居民的资料。"),
        _l("请执行 chmod 700 %(path)s。"),
    ),
    (Check.SECRET_KEY, "ok"): (_l("%(path)s 只有运行程序的用户能读。"), ""),
    (Check.SECRET_KEY, "environment"): (_l("写在 LINYI_SECRET_KEY 里。"), _l("请在别处另存一份。")),
    (Check.SECRET_KEY, "other"): (
        _l("现在的密钥不是这个数据库原来的那把：工作人员登不进来，发出去的住户编码也认不出。"),
        _l(
            "请停下服务，把另存的那把放回 %(path)s（或写回 LINYI_SECRET_KEY），再启动，"
            "不要重新印信。"
            "实在找不回来，请执行 flask --app wsgi accept-secret，再重开账号、重印所有的信。"
        ),
    ),
    (Check.SECRET_KEY, "missing"): (
        _l("%(path)s 不见了。"),
        _l("如果有备份，请放回原处；换新密钥后，所有人要重新登录，发出去的住户编码全部作废。"),
    ),
    (Check.SECRET_KEY, "open"): (
        _l("%(path)s 的权限是 %(mode)s，别人能读到。"),
        _l("请执行 chmod 600 %(path)s。"),
    ),
    (Check.SECRET_KEY, "not_mine"): (
        _l("%(path)s 不属于运行程序的用户。"),
        _l("请用 chown 改过来；用 root 执行本命令时，请换成运行程序的用户再看一次。"),
    ),
    (Check.RECORD_KEY, "ok"): (_l("%(path)s 在，只有运行程序的用户能读。"), ""),
    (Check.RECORD_KEY, "not_yet"): (
        _l("%(path)s 还没有，第一次签名时会自己生成。"),
        _l("生成后请马上另存一份，和备份分开放。"),
    ),
    (Check.RECORD_KEY, "missing"): (
        _l("%(path)s 不见了，而已有记录是用它签的。"),
        _l("请从另存的地方放回原处，不要换新的：换了以后，旧记录就对不上签名了。"),
    ),
    (Check.RECORD_KEY, "open"): (
        _l("%(path)s 的权限是 %(mode)s，别人拿到它就能伪造记录。"),
        _l("请执行 chmod 600 %(path)s。"),
    ),
    (Check.RECORD_KEY, "not_mine"): (
        _l("%(path)s 不属于运行程序的用户。"),
        _l("请用 chown 改过来；用 root 执行本命令时，请换成运行程序的用户再看一次。"),
    ),
    (Check.RECORD_KEY, "inside_data"): (
        _l("%(path)s 放在数据目录里，会和数据一起丢、一起被拿走。"),
        _l("请移到别处，再改 LINYI_RECORD_KEY_FILE。"),
    ),
    (Check.SLIPS, "ok"): (_l("没有留在机器上。"), ""),
    (Check.SLIPS, "left"): (
        _l("%(path)s 还在，里面写着两位管理员的密码。"),
        _l("请分别交给两位本人，再删掉这个文件。"),
    ),
    (Check.DISK, "ok"): (_l("还空 %(percent)s%%。"), ""),
    (Check.DISK, "low"): (
        _l("只空 %(percent)s%%，低于 15%%。"),
        _l("请清理旧文件，或者换大一点的磁盘；不到 5%% 时只能看、不能提交。"),
    ),
    (Check.DISK, "full"): (
        _l("只空 %(percent)s%%，低于 5%%。"),
        _l("请马上清理：先把旧备份移到别的机器，再删旧日志。"),
    ),
    (Check.DISK, "read_only"): (
        _l("只空 %(percent)s%%，现在只能看、不能提交。"),
        _l("请马上清理：先把旧备份移到别的机器，再删旧日志。腾出空间后会自己恢复，不用重启。"),
    ),
    (Check.DISK, "unseen"): (_l("没有量到磁盘空间。"), _l("请检查数据目录在不在。")),
    (Check.CLOCK, "ok"): (_l("现在是 %(now)s，没有倒退。"), ""),
    (Check.CLOCK, "behind"): (
        _l("比最近一条记录（%(latest)s）慢了 %(seconds)s 秒。"),
        _l("投票的开始和结束会停下来等。请校准时间：timedatectl set-ntp true。"),
    ),
    (Check.CLOCK, "apart"): (
        _l("和数据库那台机器差 %(seconds)s 秒。"),
        _l("请让两台机器都自动校时：timedatectl set-ntp true。"),
    ),
    (Check.ADDRESS, "ok"): (_l("%(url)s，信和海报上的二维码放得下。"), ""),
    (Check.ADDRESS, "plain"): (
        _l("%(url)s 没有加密，居民的编码和选票会被路上的人看到。"),
        _l("请装好证书，把 LINYI_BASE_URL 改成 https:// 开头。"),
    ),
    (Check.ADDRESS, "path"): (
        _l("%(url)s 后面带了路径，登录会失败。"),
        _l("请用一个单独的域名，LINYI_BASE_URL 只写到域名为止。"),
    ),
    (Check.ADDRESS, "long"): (
        _l("%(url)s 有 %(length)s 个字符，超过 %(most)s 个，二维码会太密，老手机扫不出来。"),
        _l("请换短一点的域名。"),
    ),
    (Check.ADDRESS, "not_trusted"): (
        _l("%(host)s 不在 LINYI_TRUSTED_HOSTS 里，所有人打开都会被拒绝。"),
        _l("请把它加进去。"),
    ),
    (Check.ADDRESS, "loopback"): (
        _l("现在的网址只有这台机器自己打得开，手机扫码进不来。"),
        _l("印信之前，请把 LINYI_BASE_URL 改成居民能打开的网址。"),
    ),
    (Check.PROXY, "ok"): (_l("相信前面 %(hops)s 层代理。"), ""),
    (Check.PROXY, "direct"): (_l("没有代理，直接打开。"), ""),
    (Check.PROXY, "none"): (
        _l("LINYI_TRUSTED_PROXIES 是 0，所有人看起来都来自同一个地址，次数限制会互相连累。"),
        _l("前面有 nginx 时请写 1。"),
    ),
    (Check.DATABASE, "ok"): (_l("%(kind)s 打得开，可以写。"), ""),
    (Check.DATABASE, "missing"): (
        _l("还没有数据库。"),
        _l(
            "新安装请执行 flask --app wsgi init；如果以前有过，"
            "请先检查 LINYI_DATA_DIR，再从备份恢复。"
        ),
    ),
    (Check.DATABASE, "closed"): (
        _l("%(kind)s 打不开。"),
        _l("请检查数据库有没有启动、地址和密码对不对、磁盘有没有坏；都不行就从备份恢复。"),
    ),
    (Check.DATABASE, "read_only"): (
        _l("%(kind)s 只能读，什么都存不了。"),
        _l("请检查文件的权限和磁盘是不是只读；PostgreSQL 请检查连的是不是备机。"),
    ),
    (Check.MIGRATIONS, "ok"): (_l("%(current)s，和程序一致。"), ""),
    (Check.MIGRATIONS, "none"): (
        _l("数据库里还没有表。"),
        _l("新安装请执行 flask --app wsgi init。"),
    ),
    (Check.MIGRATIONS, "behind"): (
        _l("数据库是 %(current)s，程序要 %(head)s。"),
        _l("请先备份，再执行 flask --app wsgi db upgrade。"),
    ),
    (Check.MIGRATIONS, "ahead"): (
        _l("数据库是 %(current)s，这个程序不认识它，可能装成了旧版本。"),
        _l("请换回新版本的程序，不要改数据库。"),
    ),
    (Check.DURABILITY, "sqlite_ok"): (_l("说“已收到”的，断电也不会丢。"), ""),
    (Check.DURABILITY, "sqlite"): (
        _l("SQLite 的写入方式不对，断电可能丢掉已经收到的选票。"),
        _l("请停下程序，检查数据库文件是不是被别的软件改过。"),
    ),
    (Check.DURABILITY, "remote"): (
        _l("数据库文件放在网络盘（%(file_system)s）上，可能损坏。"),
        _l("请把 LINYI_DATA_DIR 移到本机磁盘，或者改用 PostgreSQL。"),
    ),
    (Check.DURABILITY, "postgresql_ok"): (
        _l("PostgreSQL %(version)s，说“已收到”的，断电也不会丢。"),
        "",
    ),
    (Check.DURABILITY, "postgresql"): (
        _l(
            "PostgreSQL 的 fsync 是 %(fsync)s、synchronous_commit 是 %(synchronous_commit)s，"
            "断电可能丢掉已经收到的选票。"
        ),
        _l("请都设成 on。"),
    ),
    (Check.DURABILITY, "postgresql_old"): (
        _l("PostgreSQL %(version)s 太旧。"),
        _l("请升级到 %(oldest)s 或更新的版本。"),
    ),
    (Check.WORKER, "ok"): (_l("在正常工作，没有拖延。"), ""),
    (Check.WORKER, "never"): (
        _l("还没有运行过：投票不会按时开始和结束，通知也发不出去。"),
        _l("请启动 linyi-worker 服务，或者把 LINYI_WORKER_THREAD 设成 1 再重启。"),
    ),
    (Check.WORKER, "gone"): (
        _l("已经 %(minutes)s 分钟没有动静。"),
        _l("请执行 systemctl restart linyi-worker，再看它的日志。"),
    ),
    (Check.WORKER, "late"): (
        _l("有任务晚了 %(minutes)s 分钟还没有做。"),
        _l("请执行 systemctl restart linyi-worker，再看它的日志。"),
    ),
    (Check.WORKER, "quiet"): (
        _l("%(minutes)s 分钟没有动静，可能正在做一件大事。"),
        _l("请过几分钟再看一次。"),
    ),
    (Check.WORKER, "waits_for_room"): (
        _l("磁盘快满了，任务先停着，一件也没有丢；腾出空间后会接着做。"),
        "",
    ),
    (Check.JOBS, "ok"): (_l("没有。"), ""),
    (Check.JOBS, "failed"): (
        _l("有 %(number)s 件试了多次还没有做成：%(kinds)s。"),
        _l("程序每小时会再试；请在日志里找 job failed，把那几行发给开发者。"),
    ),
    (Check.BACKUP, "ok"): (_l("最近一次成功的备份在 %(days)s 天前。"), ""),
    (Check.BACKUP, "never"): (
        _l("还没有备份过。"),
        _l("请执行 flask --app wsgi backup，再让它每天自己做。"),
    ),
    (Check.BACKUP, "failed"): (
        _l("最近一次备份失败了；成功的那次在 %(days)s 天前。"),
        _l("请看磁盘空间和权限，再执行 flask --app wsgi backup。"),
    ),
    (Check.BACKUP, "failing"): (
        _l("备份试过，还没有成功过一次。"),
        _l("请看磁盘空间和权限，再执行 flask --app wsgi backup。"),
    ),
    (Check.BACKUP, "old"): (
        _l("最近一次成功的备份在 %(days)s 天前。"),
        _l("请执行 flask --app wsgi backup，再查一查为什么没有每天做。"),
    ),
    (Check.DRILL, "ok"): (_l("%(days)s 天前试着恢复过一次，成功了。"), ""),
    (Check.DRILL, "never"): (
        _l("备份还没有试着恢复过，不能算数。"),
        _l("请执行 flask --app wsgi restore --drill。"),
    ),
    (Check.DRILL, "failed"): (
        _l("最近一次试着恢复失败了，现有的备份靠不住；成功的那次在 %(days)s 天前。"),
        _l("请重新备份，再执行 flask --app wsgi restore --drill。"),
    ),
    (Check.DRILL, "failing"): (
        _l("试着恢复过，还没有成功过一次，现有的备份靠不住。"),
        _l("请重新备份，再执行 flask --app wsgi restore --drill。"),
    ),
    (Check.DRILL, "old"): (
        _l("上次试着恢复是 %(days)s 天前。"),
        _l("请执行 flask --app wsgi restore --drill。"),
    ),
    (Check.FONTS, "ok"): (_l("有 %(number)s 个字体文件，信和公示能打印中文。"), ""),
    (Check.FONTS, "none"): (
        _l("%(folder)s 里没有字体，信和公示会打印成空白。"),
        _l("请检查 LINYI_FONT_DIR，或者重新安装程序库。"),
    ),
    (Check.PYTHON, "ok"): (_l("%(version)s。"), ""),
    (Check.PYTHON, "old"): (_l("%(version)s 太旧。"), _l("请安装 %(oldest)s 或更新的版本。")),
    (Check.PACKAGES, "ok"): (_l("%(number)s 个程序库都是试过的版本。"), ""),
    (Check.PACKAGES, "missing"): (
        _l("缺 %(names)s。"),
        _l("请执行 .venv/bin/pip install -r requirements.txt，再重启。"),
    ),
    (Check.PACKAGES, "other"): (
        _l("%(names)s 的版本没有一起试过。"),
        _l("请执行 .venv/bin/pip install -r requirements.txt，再重启。"),
    ),
    (Check.MESSAGES, "not_needed"): (
        _l("没有配，也不需要：居民凭信上的编码进来，服务台可以当面帮忙。"),
        "",
    ),
}


def name(finding: Finding) -> str:
    """What was looked at."""
    return str(NAMES[finding.check])


def state(finding: Finding) -> str:
    """How it is, in a word."""
    return str(STATES[finding.state])


def parts(finding: Finding) -> tuple[str, str]:
    """What is the matter, and what to do; the second is empty where nothing is to be done."""
    if finding.code == "unseen" and finding.check is not Check.DISK:
        return str(_UNSEEN[0]), str(_UNSEEN[1])
    facts = {
        key: time_text(value) if isinstance(value, datetime) else value
        for key, value in finding.facts.items()
    }
    what, advice = SENTENCES[finding.check, finding.code]
    return str(what) % facts, str(advice) % facts


def sentence(finding: Finding) -> str:
    """Both in one line."""
    gap = "" if is_chinese() else " "
    return gap.join(part for part in parts(finding) if part)


# The room that keeps backups says more about them on the same page.
_SAID_BY_KEEPING = frozenset({Check.BACKUP, Check.DRILL})


@status.watch(10)
def watched() -> list[status.Line]:
    """The same findings for the system home."""
    lines = []
    for finding in checks.examine():
        if finding.check in _SAID_BY_KEEPING:
            continue
        what, advice = parts(finding)
        lines.append(status.Line(finding.check, name(finding), what, finding.state, advice))
    return lines


def summary(findings: list[Finding]) -> str:
    """One line at the end: how many need something."""
    wrong = sum(f.state is State.BAD for f in findings)
    soon = sum(f.state is State.ATTENTION for f in findings)
    if not wrong and not soon:
        return _("共看了 %(number)s 项，都正常。", number=len(findings))
    return _(
        "共看了 %(number)s 项：%(wrong)s 项不行，%(soon)s 项要注意。",
        number=len(findings),
        wrong=wrong,
        soon=soon,
    )
