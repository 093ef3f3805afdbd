"""The history service: a child of the recorder that answers questions older than the journal."""
