"""``wardgate version``."""

from __future__ import annotations

import json
import platform

import wardgate
from wardgate.cli.options import Json


def version(*, json_: Json = False) -> None:
    """Show the version of Wardgate and of the Python it runs on."""
    if json_:
        print(json.dumps({"version": wardgate.__version__, "python": platform.python_version()}))
    else:
        print(f"wardgate {wardgate.__version__} (Python {platform.python_version()})")
