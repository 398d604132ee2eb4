"""Every step before which staff prove once more who they are, one by one.

Files are asked for again where they stand; what was typed into a form goes on with the proof.
"""

STEPS = {
    "account.ask_to_add",
    "account.new_passkey",
    "account.new_phone",
    "account.password",
    "account.recovery",
    "account.remove_passkey",
    "account.vouch",
    "assisting.not_voted",
    "bodies.give",
    "people.new_owner",
    "people.phones",
    "people.revoke_codes",
    "people.revoke_part",
    "portal.copy_present",
    "portal.erase_present",
    "roles.end",
    "roles.proposal",
    "roles.propose",
    "roles.stand_in",
    "starting.end_role",
    "starting.new_link",
    "starting.new_slip",
    "starting.person",
    "starting.regain",
}
FILES = {
    "areas.archive_file",
    "assisting.rounds",
    "communities.roll_refused",
    "exports.archive_file",
    "exports.delivery",
    "exports.dossier",
    "exports.make_letters",
    "exports.poll_csv",
    "exports.poll_workbook",
    "exports.took_part",
    "portal.copy_file",
}
