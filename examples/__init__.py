"""Programs to try, and logs for them."""
