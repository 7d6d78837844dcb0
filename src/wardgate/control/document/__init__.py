"""``wardgate.yaml``: read with every problem found at once, written back, and compared."""

from wardgate.control.document.difference import difference
from wardgate.control.document.dump import dump, export
from wardgate.control.document.load import load

__all__ = ["difference", "dump", "export", "load"]
