"""Builds the compiled wheel: with ``WARDGATE_COMPILE=1`` the hot modules are compiled by mypyc, from the same sources.

The ``.py`` files stay in the wheel beside their compiled twins, which Python prefers. Without the variable the wheel is
pure Python and runs anywhere.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompileHook(BuildHookInterface[Any]):
    """Adds the compiled modules to a wheel when asked to."""

    PLUGIN_NAME = "custom"
    _work: tempfile.TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compiles into a temporary directory and includes what came out. Raises RuntimeError when that fails."""
        if self.target_name != "wheel" or version == "editable" or os.environ.get("WARDGATE_COMPILE") != "1":
            return
        self._work = tempfile.TemporaryDirectory(prefix="wardgate-compile-")
        out = Path(self._work.name) / "out"
        script = Path(self.root) / "tools" / "compile_modules.py"
        done = subprocess.run(
            [sys.executable, str(script), str(out)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(
                f"compiling the hot modules failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
            )
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        for built in sorted(out.rglob("*.so")):
            build_data["force_include"][str(built)] = str(built.relative_to(out))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes the temporary directory."""
        if self._work is not None:
            self._work.cleanup()
