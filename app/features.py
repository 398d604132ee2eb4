"""One line per feature: its models, views, commands, words for broken rules, and jobs."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

# Tables that every installation has, whether or not a feature's pages are served.
MODELS = (
    "app.core.jobs",
    "app.core.links",
    "app.core.record",
    "app.communities.models",
    "app.communities.jobs",
    "app.communities.setting_operations",
    "app.people.models",
    "app.people.steps",
    "app.people.jobs",
    "app.bodies.models",
    "app.bodies.operations",
    "app.bodies.words",
    # Before people, whose roles it lets go of.
    "app.bodies.forgetting",
    "app.voting.models",
    "app.voting.jobs",
    "app.attachments.models",
    "app.projects.models",
    "app.projects.cards",
    "app.projects.operations",
    "app.discussion.models",
    "app.discussion.operations",
    "app.meetings.models",
    "app.meetings.operations",
    "app.meetings.parties",
    "app.conventions.models",
    "app.conventions.operations",
    "app.conventions.cards",
    "app.designs.models",
    "app.designs.operations",
    "app.designs.words",
    "app.ratings.models",
    "app.ratings.operations",
    "app.ratings.cards",
    "app.ratings.words",
    "app.roles.models",
    "app.roles.operations",
    "app.roles.words",
    "app.consultations.models",
    "app.consultations.deciding",
    "app.consultations.operations",
    "app.consultations.words",
    "app.sharing.models",
    "app.sharing.operations",
    "app.sharing.words",
    "app.assisting.models",
    "app.assisting.reaching_out",
    "app.assisting.words",
    "app.correcting.models",
    "app.correcting.words",
    "app.conventions.words",
    "app.discussion.words",
    "app.meetings.words",
    "app.attachments.forgetting",
    "app.consultations.forgetting",
    "app.conventions.forgetting",
    "app.discussion.forgetting",
    "app.meetings.forgetting",
    "app.people.forgetting",
    "app.people.restored",
    "app.roles.forgetting",
    "app.sharing.forgetting",
    "app.assisting.forgetting",
    "app.correcting.forgetting",
    "app.voting.forgetting",
    "app.keeping.persons",
    "app.keeping.jobs",
    "app.keeping.words",
)
BLUEPRINTS: tuple[str, ...] = (
    "app.attachments.views:bp",
    "app.communities.views:bp",
    "app.communities.setting_views:bp",
    "app.communities.standard_views:bp",
    "app.communities.cli:bp",
    # Its routes are of both blueprints, so it comes before either is taken.
    "app.people.passkey_views:account_bp",
    "app.people.owner_views:bp",
    "app.people.cli:bp",
    "app.bodies.views:bp",
    "app.projects.views:bp",
    "app.voting.views:bp",
    "app.discussion.views:bp",
    "app.meetings.party_views:bp",
    "app.consultations.views:bp",
    "app.sharing.desk_views:bp",
    "app.conventions.views:bp",
    "app.ratings.views:bp",
    "app.designs.views:bp",
    "app.roles.views:bp",
    "app.exports.letter_views:bp",
    "app.exports.area_views:bp",
    # One blueprint: what comes last brings its routes along with those of the others.
    "app.assisting.outreach_views:bp",
    "app.correcting.views:bp",
    "app.exports.cli:bp",
    "app.starting.views:bp",
    "app.starting.cli:bp",
    "app.exports.cli:papers_bp",
    "app.exports.cli:poll",
    "app.keeping.cli:bp",
    "app.keeping.cli:retention_cli",
    "app.portal.copy_views:bp",
    "app.portal.help:bp",
    "app.portal.cli:bp",
    "app.portal.cli:worker",
    "app.operating.views:bp",
    "app.operating.cli:bp",
    "app.portal.cli:founding_cli",
)


def register(app: Flask) -> None:
    """Give the app every blueprint; importing a room registers its entry kinds and jobs."""
    for name in MODELS:
        import_module(name)
    for name in BLUEPRINTS:
        module, attribute = name.split(":")
        app.register_blueprint(getattr(import_module(module), attribute))
