"""Typed settings from the environment, prefix `LINYI_`. Unsafe production values stop the start."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from click import ClickException

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET_LENGTH = 32
# Who answers for an installation that has not said so.
SOME_COMMITTEE = "社区居民委员会"
READ_ONLY_PERCENT = 5
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
MOST_PERCENT = 50
_RETENTION = re.compile(r"LINYI_KEEP_([A-Z_]+)_DAYS")
ROOT = Path(__file__).resolve().parent.parent


class UnsafeSettings(ClickException):
    """The portal does not start like this; the message says which setting to change.

    On the command line the sentence stands alone, without a trace, and the exit code is 2.
    """

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Settings:
    """All an installation can decide. `docs/settings.md` explains each."""

    data_dir: Path
    secret_key: str = field(repr=False)
    database_url: str
    base_url: str = "http://localhost:8000"
    mode: str = "development"
    log_host: str = ""
    record_key_file: Path | None = None
    font_dir: Path | None = None
    worker_thread: bool = False
    trusted_proxies: int = 0
    trusted_hosts: tuple[str, ...] = ()
    operator: str = SOME_COMMITTEE
    complaint_phone: str = ""
    icp: str = ""
    disk_dirs: tuple[Path, ...] = ()
    read_only_percent: int = READ_ONLY_PERCENT
    backup_dir: Path | None = None
    backup_key_file: Path | None = None
    backup_at: str = "03:10"
    backup_keep: str = "7/4/12"
    pg_bin: Path | None = None
    retention: tuple[tuple[str, str], ...] = ()
    cheap_passwords: bool = False

    @property
    def production(self) -> bool:
        """Whether residents' real data is at stake."""
        return self.mode == "production"

    @property
    def secure(self) -> bool:
        """Whether the portal is reached by HTTPS."""
        return self.base_url.startswith("https://")

    @property
    def is_trial(self) -> bool:
        """Whether the address that is set leads to this machine alone."""
        return self.host in LOOPBACK

    @property
    def host(self) -> str:
        """The host people type, without the port."""
        return urlsplit(self.base_url).hostname or "localhost"

    @property
    def origin(self) -> str:
        """Scheme, host and port of the address that is set, written as browsers write it."""
        parts = urlsplit(self.base_url)
        usual = {"http": 80, "https": 443}.get(parts.scheme)
        port = "" if parts.port in {None, usual} else f":{parts.port}"
        return f"{parts.scheme}://{self.host}{port}"

    @property
    def answered_hosts(self) -> tuple[str, ...]:
        """The host names that are answered; empty for all, while nothing real is at stake."""
        if self.trusted_hosts or not self.production:
            return self.trusted_hosts
        return (self.host,)

    @property
    def record_key_path(self) -> Path:
        """Where the key that signs checkpoints lies: outside database and backup."""
        return self.record_key_file or self.data_dir / "keys" / "record.key"


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; make the data folder and the secret on the first start.

    Raises: UnsafeSettings, with a sentence for the operator.
    """
    env = os.environ if environment is None else environment
    data_dir = _made(Path(env.get("LINYI_DATA_DIR", str(ROOT / "var"))).resolve())
    key_file = env.get("LINYI_RECORD_KEY_FILE", "")
    fonts = env.get("LINYI_FONT_DIR", "")
    settings = Settings(
        data_dir=data_dir,
        secret_key=env.get("LINYI_SECRET_KEY") or _stored_secret(data_dir),
        database_url=env.get("LINYI_DATABASE_URL", f"sqlite:///{data_dir / 'linyi.sqlite3'}"),
        base_url=env.get("LINYI_BASE_URL", "http://localhost:8000").rstrip("/"),
        mode=env.get("LINYI_MODE", "development"),
        log_host=env.get("LINYI_LOG_HOST", ""),
        record_key_file=Path(key_file) if key_file else None,
        font_dir=Path(fonts) if fonts else None,
        worker_thread=env.get("LINYI_WORKER_THREAD", "") == "1",
        trusted_proxies=_proxies(env.get("LINYI_TRUSTED_PROXIES", "0")),
        trusted_hosts=tuple(h for h in env.get("LINYI_TRUSTED_HOSTS", "").split(",") if h),
        operator=env.get("LINYI_OPERATOR", SOME_COMMITTEE),
        complaint_phone=env.get("LINYI_COMPLAINT_PHONE", ""),
        icp=env.get("LINYI_ICP", ""),
        disk_dirs=tuple(Path(d) for d in env.get("LINYI_DISK_DIRS", "").split(",") if d),
        read_only_percent=_percent(env.get("LINYI_READ_ONLY_PERCENT", str(READ_ONLY_PERCENT))),
        backup_dir=_path(env, "LINYI_BACKUP_DIR"),
        backup_key_file=_path(env, "LINYI_BACKUP_KEY_FILE"),
        backup_at=env.get("LINYI_BACKUP_AT", "03:10"),
        backup_keep=env.get("LINYI_BACKUP_KEEP", "7/4/12"),
        pg_bin=_path(env, "LINYI_PG_BIN"),
        retention=_retention(env),
    )
    refuse_unsafe(settings)
    return settings


def _proxies(text: str) -> int:
    if not re.fullmatch(r"[0-9]", text):
        raise UnsafeSettings("LINYI_TRUSTED_PROXIES 要是 0 到 9 的整数：前面有几层代理。")
    return int(text)


def refuse_unsafe(settings: Settings) -> None:
    """Stop a production start whose values would put residents at risk."""
    if settings.mode not in {"development", "production"}:
        raise UnsafeSettings("LINYI_MODE 只能是 development 或 production。")
    if not settings.production:
        return
    wrong = [sentence for bad, sentence in _unsafe(settings) if bad]
    if wrong:
        raise UnsafeSettings("\n".join(wrong))


def _unsafe(settings: Settings) -> list[tuple[bool, str]]:
    return [
        (
            not settings.secure,
            "LINYI_BASE_URL 必须以 https:// 开头：居民的编码和选票不能明文传送。",
        ),
        (
            len(settings.secret_key) < SECRET_LENGTH,
            "LINYI_SECRET_KEY 太短：请用至少 32 个随机字符。",
        ),
        (
            not settings.log_host,
            "请设置 LINYI_LOG_HOST：协商记录的签名要写明由谁出具，以后不能再改。",
        ),
        (
            not settings.complaint_phone,
            "请设置 LINYI_COMPLAINT_PHONE：每一页都要写明投诉电话。",
        ),
        (
            settings.record_key_path.is_relative_to(settings.data_dir)
            and settings.record_key_file is None,
            "请设置 LINYI_RECORD_KEY_FILE：签名密钥要放在数据目录以外。",
        ),
        (
            settings.backup_dir is not None and settings.backup_key_file is None,
            "请设置 LINYI_BACKUP_KEY_FILE：没有密钥文件，就不能定时备份。",
        ),
        (
            settings.backup_key_file is not None
            and settings.backup_key_file.is_relative_to(settings.data_dir),
            "LINYI_BACKUP_KEY_FILE 要放在数据目录以外：和数据一起丢了，备份就打不开。",
        ),
    ]


def _made(data_dir: Path) -> Path:
    """The data folder; a new one is closed to everybody but its owner."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UnsafeSettings(
            f"数据目录 {data_dir} 建不起来：{error.strerror}。请检查 LINYI_DATA_DIR 和它的权限。"
        ) from error
    return data_dir


def _percent(text: str) -> int:
    """Whole percents. Raises: UnsafeSettings, since a wrong number would stop or fill a disk."""
    if not text.isdigit() or int(text) > MOST_PERCENT:
        raise UnsafeSettings(
            f"LINYI_READ_ONLY_PERCENT 要写 0 到 {MOST_PERCENT} 的整数，现在是 {text!r}。"
        )
    return int(text)


def _path(env: Mapping[str, str], name: str) -> Path | None:
    text = env.get(name, "")
    return Path(text).resolve() if text else None


def _retention(env: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Every `LINYI_KEEP_<FIELD>_DAYS`, by field; the room that erases says what it knows."""
    found = ((_RETENTION.fullmatch(name), text) for name, text in sorted(env.items()))
    return tuple((match[1].lower(), text) for match, text in found if match)


def _stored_secret(data_dir: Path) -> str:
    """A secret made once and kept readable by its owner alone."""
    path = data_dir / "secret.key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_secret(path)
    except OSError as error:
        raise UnsafeSettings(
            f"密钥文件 {path} 写不进去：{error.strerror}。请让运行程序的用户能写数据目录。"
        ) from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
    return _read_secret(path)


def _read_secret(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise UnsafeSettings(
            f"密钥文件 {path} 读不出来：{error.strerror}。它要属于运行程序的用户。"
        ) from error
