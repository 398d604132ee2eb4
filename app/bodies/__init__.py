"""Bodies that take part beside persons, and who acts for them: within a scope, for a time."""
