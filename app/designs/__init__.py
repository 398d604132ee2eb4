"""共谋: what designers post: alternatives side by side, revisions, and why they changed."""
