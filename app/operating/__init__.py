"""Looking after an installation: what is wrong with it, and whether it can be used right now."""
