"""Which lamps there are, their positions, and the gateway that reads each of them."""
