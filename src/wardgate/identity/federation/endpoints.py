"""Where sign-in with foreign providers is."""

from __future__ import annotations

from wardgate.identity.federation import accounts, link_pages, sign_in

ROUTES = (*sign_in.ROUTES, *link_pages.ROUTES, *accounts.ROUTES)
