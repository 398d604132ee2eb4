"""Everything a visitor without a session may see, one by one."""

PUBLIC = {
    "attachments.picture",
    "exports.poster",
    "exports.record",
    "exports.result_notice",
    "exports.verifier",
    "people.enter",
    "people.staff_sign_in",
    "portal.community_home",
    "portal.complaints",
    "portal.front",
    "portal.health",
    "portal.privacy",
    "portal.set_view",
    "portal.short",
    "portal.styleguide",
    "projects.index",
    "projects.show",
    "voting.index",
    "voting.result",
    "voting.show",
}
