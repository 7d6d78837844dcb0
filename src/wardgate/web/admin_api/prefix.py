"""Where the admin API is."""

from __future__ import annotations

PREFIX = "/admin/v1"
DOCUMENT = "/openapi.json"
