"""The portal: `create_app` wires extensions, guard and features; no rule, no query."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from flask import Flask, request
from flask_babel import Babel
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

from app import config, features
from app.communities import queries as communities
from app.config import ROOT, Settings
from app.core import catalogue, guard, jobs, logs, shapes, space, times, web
from app.core.db import begin_request, db, end_reading, prepare_engine
from app.people import account_views, browser
from app.people import operations as people
from app.policy import table
from app.portal import chrome
from app.portal import help as glossary

if TYPE_CHECKING:
    from enum import StrEnum

    from app.policy.table import Place

BODY_LIMIT = 64 * 1024
FORM_PARTS = 50
CONNECT_SECONDS = 5

csrf = CSRFProtect()
babel = Babel()
migrate = Migrate()


def create_app(settings: Settings | None = None) -> Flask:
    """Make the portal. Raises: RuntimeError when a route declares no access."""
    settings = settings or config.from_environment()
    app = Flask(
        __name__,
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    _configure(app, settings)
    shapes.init(app)
    logs.init(app, settings)
    space.init(app, settings)
    db.init_app(app)
    # Asked before the extension's own, which closes what is left.
    app.before_request(begin_request)
    app.teardown_appcontext(end_reading)
    with app.app_context():
        prepare_engine(db.engine)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    guard.init_sizes(app, lambda: browser.current() is not None)
    csrf.init_app(app)
    babel.init_app(app, locale_selector=chrome.locale, timezone_selector=lambda: "Asia/Shanghai")
    catalogue.init(app, babel)
    browser.init(app)
    web.init(app, lambda: browser.current() is not None)
    guard.init(app, _hooks())
    chrome.init(app)
    glossary.init(app)
    features.register(app)
    guard.refuse_undeclared(app)
    _serve(app, settings)
    return app


def _configure(app: Flask, settings: Settings) -> None:
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings.database_url),
        MAX_CONTENT_LENGTH=BODY_LIMIT,
        MAX_FORM_MEMORY_SIZE=BODY_LIMIT,
        MAX_FORM_PARTS=FORM_PARTS,
        WTF_CSRF_TIME_LIMIT=None,
        BABEL_DEFAULT_LOCALE=times.LANGUAGE_OF_RECORD,
        BABEL_DEFAULT_TIMEZONE="Asia/Shanghai",
        BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "app" / "translations"),
        SESSION_COOKIE_NAME="__Host-linyi" if settings.secure else "linyi",
        SESSION_COOKIE_SECURE=settings.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(days=366),
        SESSION_REFRESH_EACH_REQUEST=False,
        SEND_FILE_MAX_AGE_DEFAULT=0,
        TRUSTED_HOSTS=list(settings.answered_hosts) or None,
    )
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def _engine_options(url: str) -> dict[str, Any]:
    is_sqlite = url.startswith("sqlite")
    # One connection for each web thread and one for the worker, with a little room.
    return {
        "pool_size": 40,
        "max_overflow": 10,
        "pool_pre_ping": not is_sqlite,
        "connect_args": {} if is_sqlite else {"connect_timeout": CONNECT_SECONDS},
        # What people typed has no place in the text of a fault.
        "hide_parameters": True,
    }


def _hooks() -> guard.Hooks:
    return guard.Hooks(
        find_place=_find_place,
        is_signed_in=lambda: browser.current() is not None,
        is_staff=lambda: browser.current_actor().is_staff,
        is_proof_fresh=browser.is_proof_fresh,
        prove=account_views.prove_along,
        proof_page=account_views.proof_page,
        may=_may,
        is_for_residents=lambda permission: table.is_for_residents(table.Permission(permission)),
        actor=browser.current_actor,
        note_refused=_note_refused,
        role_over=account_views.role_over,
    )


def _find_place(arguments: dict[str, Any]) -> object | None:
    """The community, or the place above communities, that the address names. Raises: NotFound."""
    code, area = arguments.get("code"), arguments.get("jurisdiction")
    if area is not None:
        return communities.area_by_code(area)
    return communities.community_by_code(code) if code is not None else None


def _note_refused(found: object) -> None:
    """Note that somebody tried to give a role where they are nobody."""
    place: Place = getattr(found, "place", table.Place())
    people.note_refused(browser.current_actor(), community_id=place.community_id)


def _may(permission: StrEnum, found: object) -> bool:
    place: Place = getattr(found, "place", table.Place())
    # Some roles are of one meeting alone: the one that the address names.
    place = replace(place, meeting=str((request.view_args or {}).get("meeting_id", "")))
    return table.allowed(browser.current_actor(), table.Permission(permission), place)


def _serve(app: Flask, settings: Settings) -> None:
    wsgi: Any = WhiteNoise(
        app.wsgi_app,
        root=str(ROOT / "static"),
        prefix="static/",
        immutable_file_test=r"\?v=|/vendor/",
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        wsgi = ProxyFix(wsgi, x_for=hops, x_proto=hops, x_host=hops)
    app.wsgi_app = wsgi  # type: ignore[method-assign]
    # A command of the command line ends when it is done; the worker has its own command there.
    if settings.worker_thread and os.environ.get("FLASK_RUN_FROM_CLI") != "true":
        jobs.start_thread(app)
