"""The models and formats that gateway, cloud and simulator share. Pure: no I/O, no event loop, no driver."""
