"""Pictures over HTTP. They are as public as the project pages that show them."""

from __future__ import annotations

from flask import Blueprint, Response, abort, g
from flask_babel import gettext as _

from app.attachments import queries
from app.attachments.steps import SIZES
from app.core import guard, web
from app.core.errors import RuleBroken

bp = Blueprint("attachments", __name__)


@bp.get("/c/<code>/pictures/<public_id>/<size>.webp")
@guard.public
def picture(code: str, public_id: str, size: str) -> Response:  # noqa: ARG001 -- the guard read it
    """Show one picture; its name is random and its bytes never change."""
    if size not in SIZES:
        abort(404)
    answer = Response(queries.picture_bytes(g.place.id, public_id, size), mimetype="image/webp")
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "private, max-age=604800, immutable"
    return answer


def _words(error: RuleBroken) -> str:
    sentences = {
        "picture.too_large": _("图片超过 12 MB，没有保存。请换一张小一点的再传。"),
        "picture.not_one": _(
            "这个文件不是能打开的图片，没有保存。请换一张 JPG、PNG 或 WebP 图片。"
        ),
        "picture.too_many_pixels": _("图片尺寸太大，没有保存。请换一张不超过 5,000 万像素的图片。"),
    }
    return sentences[error.code]


web.explain("picture", _words)
