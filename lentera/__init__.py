"""The front door: the command line and the one-machine demo, the only place that knows every part."""
