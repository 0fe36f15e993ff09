"""Sparkplug B 3.0: topics, payload codec and sessions without I/O; `lentera` maps our words onto it."""
