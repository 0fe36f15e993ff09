"""The present state of lamps, cabinets and gateways."""
