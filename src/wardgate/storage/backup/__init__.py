"""Backs the store up and restores it: rows in an archive that either database reads, never the master key."""
