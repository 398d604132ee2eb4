"""Typed settings from the environment, prefix `LINYI_`. Unsafe production values stop the start."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET_LENGTH = 32
ROOT = Path(__file__).resolve().parent.parent


class UnsafeSettings(Exception):
    """The portal does not start like this; the message says which setting to change."""


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
    operator: str = "社区居民委员会"
    complaint_phone: str = ""
    icp: str = ""
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
    def host(self) -> str:
        """The host people type, without the port."""
        return urlsplit(self.base_url).hostname or "localhost"

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
    data_dir = Path(env.get("LINYI_DATA_DIR", str(ROOT / "var"))).resolve()
    data_dir.mkdir(parents=True, exist_ok=True)
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
        trusted_proxies=int(env.get("LINYI_TRUSTED_PROXIES", "0")),
        trusted_hosts=tuple(h for h in env.get("LINYI_TRUSTED_HOSTS", "").split(",") if h),
        operator=env.get("LINYI_OPERATOR", "社区居民委员会"),
        complaint_phone=env.get("LINYI_COMPLAINT_PHONE", ""),
        icp=env.get("LINYI_ICP", ""),
    )
    refuse_unsafe(settings)
    return settings


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
    ]


def _stored_secret(data_dir: Path) -> str:
    """A secret made once and kept readable by its owner alone."""
    path = data_dir / "secret.key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
    return path.read_text(encoding="ascii").strip()
