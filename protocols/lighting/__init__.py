"""Which level a lamp has at an instant, and why. Pure: plan, place and time are arguments."""
