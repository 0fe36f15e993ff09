"""Register maps of devices as data, and how values are read from and written to their registers."""
