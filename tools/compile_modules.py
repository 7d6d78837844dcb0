"""Compiles the modules a request passes through with mypyc, into the directory given: `compile_modules.py OUT`.

The list is what the request path runs for every request. Needs a C compiler and Python's headers.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOT = (
    *(
        f"gateway/{name}"
        for name in (
            "answering",
            "answers",
            "balance",
            "chunked",
            "connection",
            "entitlements",
            "fields",
            "forwarding",
            "head",
            "hosts",
            "identity",
            "nowhere",
            "outlet",
            "path",
            "pool",
            "presented",
            "principals",
            "receiving",
            "reception",
            "response_head",
            "router",
            "routes",
            "snapshot",
            "template",
            "tokens",
            "tree",
            "twogen",
            "upstream",
            "worker",
        )
    ),
    *(
        f"policy/{name}"
        for name in ("api_key", "compiled", "exchange", "limits", "oauth2", "subscription", "tls_required")
    ),
    *(
        f"limits/{name}"
        for name in (
            "authority",
            "cell",
            "client",
            "concurrency",
            "gcra",
            "lease",
            "limitset",
            "messages",
            "quota",
            "slots",
            "spike",
        )
    ),
    *(f"domain/{name}" for name in ("apikey", "principal")),
    *(f"telemetry/{name}" for name in ("cells", "recorder", "rollups", "uses")),
)


def main(out: Path) -> None:
    """Leaves the extension modules under ``out`` in the package's layout."""
    from mypyc.build import mypycify
    from setuptools import setup

    source = ROOT / "src"
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="wardgate-mypyc-") as work:
        config = Path(work) / "mypy.ini"
        config.write_text(
            f"[mypy]\nignore_missing_imports = True\nexplicit_package_bases = True\nmypy_path = {source}\n"
        )
        os.chdir(work)
        setup(
            name="wardgate-compiled",
            ext_modules=mypycify(
                [f"--config-file={config}", *(str(source / "wardgate" / f"{name}.py") for name in HOT)],
                opt_level="3",
                debug_level="0",
                group_name="wardgate",
            ),
            script_args=["build_ext", "--build-lib", str(out)],
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
