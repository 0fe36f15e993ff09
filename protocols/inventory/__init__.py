"""Which lamps there are, their positions, and the gateways that read them."""
