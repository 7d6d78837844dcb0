"""What a refusal asks for: ``WWW-Authenticate`` (RFC 6750 section 3, RFC 9449 section 7.1, RFC 9470, RFC 9728)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from wardgate.domain.rejection import Rejection

#: Algorithms of DPoP proofs as they are announced.
PROOF_ALGORITHMS = ("ES256", "ES384", "RS256", "PS256", "EdDSA", "Ed25519")
KEY = b'WWW-Authenticate: ApiKey realm="wardgate"'
_PRINTABLE = frozenset(range(0x20, 0x7F)) - {0x22, 0x5C}


@dataclass(frozen=True, slots=True)
class Challenge:
    """What one resource asks for, rendered once; equal for all resources that ask for the same.

    ``key``, ``bearer`` and ``dpop`` say which schemes are offered. ``scopes`` are those the resource needs;
    ``metadata`` is the URL of the API's protected-resource document.
    """

    key: bool = False
    bearer: bool = False
    dpop: bool = False
    scopes: tuple[str, ...] = ()
    metadata: str = ""
    _made: dict[tuple[str, str, str], Rejection] = field(
        default_factory=dict, compare=False, hash=False, repr=False
    )

    def missing(self) -> Rejection:
        """No credential was sent: no error code, just what is asked for (RFC 6750 section 3.1)."""
        return self._cached("credential_missing", "", "")

    def invalid(self, reason: str, scheme: str) -> Rejection:
        """A credential is wrong. The answer depends on what was sent (``scheme``: ``Bearer``, ``DPoP``, or empty where
        there was a key only) and never on what was wrong with it."""
        return self._cached(reason, scheme, "invalid_token")

    def nonce(self, nonce: str) -> Rejection:
        """A proof must hold ``nonce`` (RFC 9449 section 9)."""
        lines = self._lines("DPoP", "use_dpop_nonce")
        return Rejection.of("dpop_nonce_required", *lines, b"DPoP-Nonce: " + nonce.encode())

    def scope_missing(self, missing: Iterable[str], scheme: str) -> Rejection:
        """The token is right and lacks these scopes (RFC 6750 section 3.1)."""
        return Rejection.of(
            "scope_missing", self._line(scheme, "insufficient_scope", scopes=tuple(sorted(missing)))
        )

    def step_up(self, acr_values: tuple[str, ...], max_age: int | None, scheme: str) -> Rejection:
        """The person must sign in again, or otherwise (RFC 9470 section 3)."""
        more = [f'acr_values="{_quoted(" ".join(acr_values))}"'] if acr_values else []
        more += [f'max_age="{max_age}"'] if max_age is not None else []
        line = self._line(scheme, "insufficient_user_authentication", tuple(more))
        return Rejection.of("authentication_insufficient", line)

    def _cached(self, reason: str, scheme: str, error: str) -> Rejection:
        key = (reason, scheme, error)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = Rejection.of(reason, *self._lines(scheme, error))
        return made

    def _lines(self, used: str, error: str) -> list[bytes]:
        """A line for each scheme offered, and for the one that was used; the error stands on that one."""
        lines = [KEY] if self.key else []
        for scheme, offered in (("Bearer", self.bearer), ("DPoP", self.dpop)):
            if offered or scheme == used:
                lines.append(self._line(scheme, error if scheme == used else ""))
        return lines

    def _line(
        self, scheme: str, error: str, more: tuple[str, ...] = (), scopes: tuple[str, ...] | None = None
    ) -> bytes:
        parameters = ['realm="wardgate"']
        parameters += [f'error="{error}"'] if error else []
        parameters += more
        wanted = self.scopes if scopes is None else scopes
        parameters += [f'scope="{_quoted(" ".join(wanted))}"'] if wanted else []
        parameters += [f'algs="{" ".join(PROOF_ALGORITHMS)}"'] if scheme == "DPoP" else []
        parameters += [f'resource_metadata="{_quoted(self.metadata)}"'] if self.metadata else []
        return f"WWW-Authenticate: {scheme} {', '.join(parameters)}".encode()


def _quoted(text: str) -> str:
    """``text`` as it may stand between quotes; what may not is left out (RFC 6750 section 3)."""
    return "".join(character for character in text if ord(character) in _PRINTABLE)
