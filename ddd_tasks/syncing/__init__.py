"""Saves that show where the engine does not see our files: `docker compose watch` with entries that we generate."""
