"""Builds the wheel users install: compiled from the same sources where this machine has a C compiler.

``python -m bench.build`` prints the folder that holds it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def compiled(cache: Path) -> Path | None:
    """A folder with the compiled package, to be put on PYTHONPATH; ``None`` where it cannot be built.

    It is kept under ``cache`` until a source file changes.
    """
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        return None
    target = cache / f"compiled-{_stamp()}"
    if target.exists():
        return target
    for old in cache.glob("compiled-*"):
        shutil.rmtree(old)
    wheels = cache / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--target",
        str(target),
    ]
    environment = {**os.environ, "WARDGATE_COMPILE": "1"}
    if subprocess.run(build, cwd=ROOT, env=environment, capture_output=True, check=False).returncode:
        return None
    wheel = next(wheels.glob("*.whl"))
    if subprocess.run([*install, str(wheel)], capture_output=True, check=False).returncode:
        shutil.rmtree(target, ignore_errors=True)
        return None
    return target


def _stamp() -> str:
    files = [
        *sorted((ROOT / "src").rglob("*.py")),
        ROOT / "tools" / "compile_modules.py",
        ROOT / "pyproject.toml",
    ]
    digest = hashlib.sha256(sys.version.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def main() -> int:
    """The exit status: 0 when the folder was printed."""
    target = compiled(ROOT / ".cache" / "bench")
    if target is None:
        print(
            "the compiled wheel cannot be built here: it needs a C compiler and Python's headers",
            file=sys.stderr,
        )
        return 1
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
