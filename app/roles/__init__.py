"""Who does what in a community: proposed by one, approved by another, for a time."""
