"""The routes of all pages for people."""

from __future__ import annotations

from wardgate.identity.people import (
    account,
    applications,
    login,
    reset,
    security,
    session_pages,
    signup,
    verification,
)

ROUTES = (
    *login.ROUTES,
    *account.ROUTES,
    *security.ROUTES,
    *session_pages.ROUTES,
    *applications.ROUTES,
    *reset.ROUTES,
    *signup.ROUTES,
    *verification.ROUTES,
)
