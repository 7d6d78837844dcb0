"""``security.oauth2``: what an API asks of access tokens, and where its clients get them."""

from __future__ import annotations

from typing import get_args

from wardgate.control.document.fields import Fields
from wardgate.control.document.issuers import LONGEST, read_issuers
from wardgate.control.document.names import LINE, LINE_WORDS
from wardgate.control.document.urls import read_url
from wardgate.domain.trust import Binding, OAuth2Settings

BINDINGS: tuple[Binding, ...] = get_args(Binding)
ACR = r"[\x21-\x7e]{1,256}"
ACR_WORDS = "an authentication context class, such as urn:wardgate:acr:2"

_KEYS = (
    "audiences",
    "issuers",
    "bound",
    "max_lifetime",
    "skew",
    "proof_age",
    "proof_nonce",
    "acr",
    "max_age",
    "token_endpoint",
)


def read_oauth2(security: Fields) -> OAuth2Settings | None:
    """The settings, or ``None`` where there are none; mistakes are noted."""
    fields = security.child("oauth2", _KEYS)
    if fields is None:
        return None
    default = OAuth2Settings()
    issuers = read_issuers(fields)
    settings = OAuth2Settings(
        audiences=fields.texts("audiences", LINE, LINE_WORDS),
        issuers=issuers,
        bound=fields.choice("bound", BINDINGS, default.bound),
        max_lifetime=fields.integer("max_lifetime", None, 1, LONGEST),
        skew=fields.integer("skew", default.skew, 0, 600),
        proof_age=fields.integer("proof_age", default.proof_age, 1, 600),
        proof_nonce=fields.flag("proof_nonce", default.proof_nonce),
        acr_values=fields.texts("acr", ACR, ACR_WORDS),
        max_age=fields.integer("max_age", None, 0, LONGEST),
        token_endpoint=read_url(fields, "token_endpoint", query=True, variables=True),
    )
    if settings.token_endpoint and all(issuer.kind == "builtin" for issuer in issuers):
        fields.problem(
            "token_endpoint",
            "tokens from this endpoint would not open the API: no other issuer is listed",
            "Add whoever issues them to `issuers:`",
        )
    return settings
