"""Incident bundles: a stretch of the recording in one file, without what it should not tell, safe to open."""
