"""What gateway, cloud and simulator agree on. Pure: no I/O, no event loop, no driver."""
