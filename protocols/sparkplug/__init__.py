"""Sparkplug B 3.0: topics, payload codec and sessions, without I/O and without Lentera's own metrics."""
