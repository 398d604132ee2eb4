"""Keeping an installation alive: backups, drills, restoring, moving, retention."""
