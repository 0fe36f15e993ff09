"""Register maps of devices as data, and how their words are read and written."""
