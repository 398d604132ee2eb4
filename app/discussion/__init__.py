"""What residents write about things: opinions, their moderation, and what became of each."""
