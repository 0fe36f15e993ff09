"""The time of a gateway: whether the system clock is trusted, and the events about it."""
