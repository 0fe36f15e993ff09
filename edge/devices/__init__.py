"""The devices on the lines of a gateway: lamp controllers and cabinets."""
