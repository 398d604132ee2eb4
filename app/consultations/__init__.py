"""共谋: topics, from somebody's need to the decision and what became of it."""
