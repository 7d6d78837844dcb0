"""Every operation of the admin API. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from wardgate.client.sync.keys import Keys


class Client(Keys):
    """A client of the admin API: one method an operation, named as in its OpenAPI document."""
