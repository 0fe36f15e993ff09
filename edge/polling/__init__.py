"""Reading devices in turn: the poll schedule, the reader and the poller of each line."""
