"""SQLAlchemy implementations of the protocols in ``identity/ports.py``.

What must happen once is one statement whose condition is checked on the row it changes: on SQLite because writers take
turns, on PostgreSQL (READ COMMITTED) because whoever waited for a row looks at its new version before changing it.
Statements with ``ON CONFLICT`` are text, which both databases read the same way.
"""
