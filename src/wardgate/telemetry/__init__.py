"""What happened, counted: roll-ups, the access log, metrics. Workers record; the supervisor merges and shows."""
