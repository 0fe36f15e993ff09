"""The HTTP API of the simulator."""
