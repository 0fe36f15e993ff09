"""Which conditions hold, since when, and who has seen them."""
