"""Where runs are kept: the interface, SQLite, and memory for tests."""
