"""The change feed: what a control transaction appends, and gateway workers act on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: ``api`` key: ``environment name/version``; ``plan``: ``environment name``; ``credential``: digest in hex;
#: ``application``: its id; ``environment``: its name (settings, variables or secrets); ``subject``: id of a user whose
#: groups changed; ``signing_key``: key id; ``client``: its ``client_id``; ``revocation``: ``<kind> <key>`` of tokens taken
#: back; ``issuer``: the foreign issuer whose keys were read anew; ``everything``: flush all.
ChangeKind = Literal[
    "api",
    "plan",
    "credential",
    "application",
    "environment",
    "subject",
    "signing_key",
    "client",
    "revocation",
    "issuer",
    "everything",
]


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the feed, in the order of ``seq``, committed with the change it announces."""

    seq: int
    kind: ChangeKind
    key: str
    #: Unix seconds of the commit, from which propagation is measured.
    at: float = 0.0
