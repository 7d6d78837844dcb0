"""What an authorization code stands for, as it waits in the store between the two endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeDocument:
    """The document of a code in the space ``code`` (``once.put``), under the digest of a secret of kind ``ac``.

    What the person agreed to, how and when they signed in and for which resources is in the ``Grant``, which is added
    in the same transaction: each authorization has a grant of its own, so that taking one back ends no other.

    ``redirect_uri`` is the request's own, empty where it had none (RFC 6749 section 4.1.3: then the token request has
    none either). ``code_challenge`` is the S256 one (RFC 7636); empty only for a client that is not bound to use PKCE.
    ``dpop_jkt`` binds the code to a key (RFC 9449 section 10). ``nonce`` goes into the first id token.
    """

    client: str
    grant: str
    redirect_uri: str = ""
    code_challenge: str = ""
    nonce: str = ""
    dpop_jkt: str = ""

    def to_document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "client": self.client,
            "grant": self.grant,
            "redirect_uri": self.redirect_uri,
            "code_challenge": self.code_challenge,
            "nonce": self.nonce,
            "dpop_jkt": self.dpop_jkt,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> CodeDocument:
        """What :meth:`to_document` wrote. Raises KeyError for anything else."""
        return cls(**{name: str(document[name]) for name in cls.__slots__})
