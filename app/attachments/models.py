"""Pictures: decoded, turned upright, painted anew, stored under a random name."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class Attachment(Base):
    """A stored picture and its thumbnail; the original is not kept.

    One that is withheld stays stored and is shown to nobody.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        UniqueConstraint("community_id", "public_id"),
        UniqueConstraint("community_id", "id"),
    )

    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"))
    public_id: Mapped[str] = mapped_column(String(40))
    alt: Mapped[str] = mapped_column(String(200))
    width: Mapped[int]
    height: Mapped[int]
    size_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    added_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    added_at: Mapped[datetime]
    withheld: Mapped[bool] = mapped_column(default=False)
