"""Fails when a source file exceeds 500 lines or a test file 600: a file is one purpose."""

from __future__ import annotations

import sys
from pathlib import Path

CAPS = {"src": 500, "tests": 600, "bench": 500, "examples": 500, "tools": 500}


def main() -> int:
    """Prints each file over its cap; the exit code is 1 if there is any."""
    root = Path(__file__).resolve().parent.parent
    over = [
        f"{path.relative_to(root)}: {lines} lines (cap {cap})"
        for folder, cap in CAPS.items()
        for path in sorted((root / folder).rglob("*.py"))
        if (lines := len(path.read_text().splitlines())) > cap
    ]
    print("\n".join(over) if over else "file lengths: fine")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
