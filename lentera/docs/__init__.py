"""Generators of the reference documents."""
