"""The store: the journal of the last hours (SQLite) and what is read back from it."""
