"""Lighting plans: programs, calendars, groups and assignments, and what they mean for each lamp."""
