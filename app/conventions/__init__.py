"""共管: the residents' convention, from the draft to the signatures under its newest version."""
