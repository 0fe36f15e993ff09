"""Stall detection, and the systemd watchdog that relies on it."""
