"""The decision engine: policies compiled to steps, pure and sans-I/O. ``pipeline.py`` is the table."""
