"""SQLAlchemy implementations of the protocols in ``control/ports.py``, one per module."""
