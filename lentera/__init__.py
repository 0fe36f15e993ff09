"""The command line and the one-machine demo: the only package that imports every part."""
