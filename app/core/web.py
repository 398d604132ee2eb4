"""Page or part, headers, error pages, and where a redirect may lead. Knows no feature."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import (
    Response,
    current_app,
    flash,
    g,
    make_response,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from markupsafe import Markup
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, SecurityError

from app.core import form_words, logs, sent, shapes, times, words
from app.core.db import let_go
from app.core.errors import NotAllowed, NotFound, NotSaved, ReadOnly, RuleBroken, SaveUnknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask_wtf import FlaskForm

    Answer = tuple[str, int] | tuple[str, int, dict[str, str]]

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(), microphone=(), camera=()",
}
# When to try again, in seconds: a broken database is seen to in minutes, a full disk takes longer.
TRY_AGAIN, ROOM_AGAIN = 60, 1800
SERVER_FAULT = 500
ENDED_BY = "ended_by"
_sentences: dict[str, Callable[[RuleBroken], str]] = {}


def lasting_address(endpoint: str, **values: str) -> str:
    """An address for a calendar, a wall or a door: as the installation is set, whoever asks.

    One that is set to this machine alone is a trial: there the address that was opened serves.
    """
    path = url_for(endpoint, _anchor=None, _method=None, _scheme=None, _external=False, **values)
    settings = current_app.config["SETTINGS"]
    base: str = request.host_url.rstrip("/") if settings.is_trial else settings.base_url
    return base + path


def explain(prefix: str, words: Callable[[RuleBroken], str]) -> None:
    """Let a room put its broken rules (codes beginning with `prefix`) into words."""
    _sentences[prefix] = words


def sentence(error: RuleBroken) -> str:
    """What happened, whether it was saved, what to do now: for a broken rule."""
    words = _sentences.get(error.code.split(".", maxsplit=1)[0])
    if words is None:
        return _("这一步现在不能办。什么都没有保存。请返回上一页再看一看。")
    return words(error)


def carried_out(form: FlaskForm, act: Callable[[], None]) -> bool:
    """Whether the form was whole and the rules agreed; what they said otherwise is in the form.

    A form that comes again because its answer was lost is carried out already.
    """
    if not form.validate_on_submit():
        return False
    try:
        once(act)
    except RuleBroken as error:
        form.form_errors.append(sentence(error))
        return False
    return True


def once(act: Callable[[], object]) -> None:
    """Carry out what a form asks, or find that this very form was carried out before.

    Raises: RuleBroken or NotFound for what was not done yet.
    """
    try:
        with sent.marked():
            act()
    except (RuleBroken, NotFound):
        if not sent.came_before():
            raise


def tell(kind: str, text: str) -> None:
    """Show a notice on the next page: `done`, `info`, `attention` or `refused`."""
    flash(text, kind)


def wants_part() -> bool:
    """Whether htmx asks for a part of the page."""
    return request.headers.get("HX-Request") == "true"


def page_or_part(page: str, part: str, status: int = 200, **context: object) -> Response:
    """Render the part for htmx, the whole page for everybody else."""
    answer = make_response(render_template(part if wants_part() else page, **context), status)
    answer.vary.add("HX-Request")
    return answer


def local_path(target: str | None, fallback: str) -> str:
    """An address on this site to go on to; anything else becomes the fallback."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return fallback
    if any(ord(character) < 33 for character in target) or "\\" in target:  # noqa: PLR2004
        return fallback
    parts = urlsplit(target)
    return fallback if parts.scheme or parts.netloc else target


def refusal_page(status: int, title: str, text: str, *, numbered: bool = True) -> tuple[str, int]:
    """One calm page for everything that could not be done."""
    # The number leads whoever looks after the portal from this page to the line in the log.
    number = logs.request_id() if numbered and status >= SERVER_FAULT else ""
    words = {"title": title, "text": text, "number": number}
    try:
        return render_template("error.html", **words), status
    except SQLAlchemyError:
        # Names and navigation come from the database. Without it the sentence still arrives.
        g.without_database = True
        plain = current_app.jinja_env.get_template("error_plain.html")
        phone = current_app.config["SETTINGS"].complaint_phone
        return plain.render(phone=phone, **words), status


def _later(seconds: int, title: str, text: str, *, numbered: bool = True) -> Answer:
    page, status = refusal_page(503, title, text, numbered=numbered)
    return page, status, {"Retry-After": str(seconds)}


def _asset_address(app: Flask) -> Callable[[str], str]:
    """Static addresses that change with the file, so that caches may keep them for good."""
    versions: dict[str, str] = {}
    folder = Path(app.static_folder or "")

    def asset(name: str) -> str:
        if name not in versions or app.debug:
            versions[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()[:12]
        return f"/static/{name}?v={versions[name]}"

    return asset


def content_language() -> Markup:
    """The attribute of whatever people wrote: on an English page it is still Chinese."""
    return Markup("") if times.is_chinese() else Markup(' lang="zh-Hans"')


def written(text: str) -> Markup:
    """What somebody wrote, to stand in a label of a form or a sentence of the portal's own."""
    return Markup("<span{}>{}</span>").format(content_language(), text)


def init(app: Flask, signed_in: Callable[[], bool]) -> None:
    """Headers on every answer, a sentence for every refusal."""
    form_words.init()
    app.jinja_env.globals.update(
        asset=_asset_address(app), counted=words.counted, zh=content_language
    )
    app.jinja_env.filters["listed"] = words.listed
    app.after_request(lambda answer: _with_headers(answer, signed_in))
    app.register_error_handler(NotAllowed, lambda _error: _not_here())
    app.register_error_handler(NotFound, lambda _error: _not_here())
    app.register_error_handler(404, lambda _error: _not_here())
    app.register_error_handler(RuleBroken, _rule_broken)
    app.register_error_handler(ReadOnly, _read_only)
    app.register_error_handler(NotSaved, _not_saved)
    app.register_error_handler(SaveUnknown, _save_unknown)
    app.register_error_handler(shapes.Unstorable, _unstorable)
    app.register_error_handler(OperationalError, _database_down)
    app.register_error_handler(InterfaceError, _database_down)
    app.register_error_handler(CSRFError, _form_too_old)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(SecurityError, _another_host)
    app.register_error_handler(HTTPException, _other)
    app.register_error_handler(Exception, _fault)


def _with_headers(answer: Response, signed_in: Callable[[], bool]) -> Response:
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    if current_app.config["SETTINGS"].secure:
        answer.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if "Cache-Control" not in answer.headers and _is_personal(signed_in):
        answer.headers["Cache-Control"] = "no-store"
    return _named_instead_of_followed(answer)


def _named_instead_of_followed(answer: Response) -> Response:
    """For a script that sends a form behind its page: the next address as a header.

    A script cannot see where a redirect leads, and one that follows it would fetch the next page
    twice and use up its notices.
    """
    if request.method == "POST" and request.headers.get("X-Stay") and answer.location:
        answer.headers["X-Go-To"] = answer.location
        del answer.headers["Location"]
        answer.status_code = 204
        answer.set_data(b"")
    return answer


def _is_personal(signed_in: Callable[[], bool]) -> bool:
    """Whether an answer is for one person, or says what became of a form."""
    if request.method != "GET" or g.get("without_database"):
        return True
    return request.endpoint != "static" and signed_in()


def _not_here() -> tuple[str, int]:
    return refusal_page(
        404,
        _("这里没有您要找的内容"),
        _("地址可能抄错了，或者这项内容不对您开放。什么都没有改动。请回到首页再找一找。"),
    )


def _rule_broken(error: RuleBroken) -> tuple[str, int]:
    return refusal_page(409, _("这一步没有办成"), sentence(error))


def _read_only(_error: ReadOnly) -> Answer:
    return _later(
        ROOM_AGAIN,
        _("现在只能看，不能提交"),
        _(
            "服务器的存储空间快满了，这次没有保存，以前交上来的都在。您填的内容还在上一页，"
            "返回就能看到，可以先抄下来。请过半小时再交一次；着急的话请打服务台电话。"
        ),
        numbered=False,
    )


def _not_saved(error: NotSaved) -> Answer:
    if let_go():
        return _save_unknown(error)
    current_app.logger.error("not saved", exc_info=error)
    return _later(
        TRY_AGAIN,
        _("这次没有存上"),
        _(
            "保存之前系统出了故障，这次没有保存，以前交上来的都在。您填的内容还在上一页，"
            "返回就能看到。请过几分钟再交一次；着急的话请打服务台电话。"
        ),
    )


def _save_unknown(error: Exception) -> Answer:
    current_app.logger.error("commit failed", exc_info=error)
    return _later(
        TRY_AGAIN,
        _("不知道有没有存上"),
        _(
            "保存时系统出了故障，还不能确定是否存上。请过一会儿重新打开这一页查看；再交一次也不会重复计算。"
        ),
    )


def _database_down(error: OperationalError | InterfaceError) -> Answer:
    """Outside a commit nothing is being stored; but something may have been a moment before."""
    if let_go():
        return _save_unknown(error)
    current_app.logger.error("fault", exc_info=error)
    return _later(
        TRY_AGAIN,
        _("数据库一时连不上"),
        _("这一步没有存上，以前交上来的都在。请过几分钟再试一次；着急的话请打服务台电话。"),
    )


def ended_here() -> None:
    """Note in a browser that has just let go of its session by which form it did.

    The same form in another tab belongs to that session: it is not too old, it is done.
    """
    session[ENDED_BY] = request.path


def already_out() -> str:
    """That a step is done which signed somebody out: its form came once more."""
    return _("刚才那一步已经办好了，您也已经退出。不用再办一次。")


def _form_too_old(_error: CSRFError) -> tuple[str, int]:
    if session.get(ENDED_BY) == request.path:
        return refusal_page(200, _("已经办好了"), already_out())
    return refusal_page(
        400,
        _("这张表放得太久了"),
        _("为了您的安全，这次没有保存。请返回上一页，重新打开后再提交一次。"),
    )


def _unstorable(_error: shapes.Unstorable) -> tuple[str, int]:
    return refusal_page(400, _("没有保存"), shapes.sentence())


def _too_large(_error: RequestEntityTooLarge) -> tuple[str, int]:
    return refusal_page(
        413,
        _("内容太大"),
        _("提交的内容超过了上限，没有保存。请缩小文件或文字后再试一次。"),
    )


def _another_host(_error: SecurityError) -> Response:
    """Plain words: no page can be put together for a host that is not ours."""
    words = _("这不是本站的地址，什么都没有保存。请照着信上印的地址打开。")
    return Response(words, 400, mimetype="text/plain")


def _other(error: HTTPException) -> tuple[str, int]:
    status = error.code or 500
    return refusal_page(
        status,
        _("这一步没有办成"),
        _("请求没有被接受，什么都没有保存。请返回上一页再试一次。"),
    )


def _fault(error: Exception) -> Answer:
    if let_go():
        return _save_unknown(error)
    current_app.logger.error("fault", exc_info=error)
    return refusal_page(
        500,
        _("系统出了故障"),
        _("这一步没有存上。故障已经记下，请过几分钟再试；着急的话请打服务台电话。"),
    )
