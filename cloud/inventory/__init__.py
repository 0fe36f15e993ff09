"""Which areas, gateways, lamps and cabinets there are."""
