"""Programs that show Wardgate at work."""
