"""Counters: GCRA, spike arrest, quota windows, concurrency; leases between workers and their one authority."""
