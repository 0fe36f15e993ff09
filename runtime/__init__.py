"""Shared I/O plumbing of edge, cloud and simulator, without any domain in it."""
