"""``python -m examples.orders --port 9000``: runs the orders API until it is stopped."""

from __future__ import annotations

import argparse

import uvicorn

from examples.orders.app import create_app


def main() -> None:
    """Serves the API on one address."""
    parser = argparse.ArgumentParser(prog="python -m examples.orders", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--log-level", default="warning")
    arguments = parser.parse_args()
    uvicorn.run(
        create_app(),
        host=arguments.host,
        port=arguments.port,
        log_level=arguments.log_level,
        access_log=False,
    )


if __name__ == "__main__":
    main()
