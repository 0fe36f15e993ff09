"""Which areas, gateways and lamps there are, and how each lamp stands now."""
