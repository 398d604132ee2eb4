"""The guided start of a community: places, first people, hand-over, and the desk's checklist."""
