"""Examples: a demo of the whole gateway, and small APIs to put behind it."""
