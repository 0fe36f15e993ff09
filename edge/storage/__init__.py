"""State on disk that survives restarts: SQLite files and the tables of a gateway."""
