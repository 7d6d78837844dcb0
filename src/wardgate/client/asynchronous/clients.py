"""Operations of clients. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from wardgate.client.async_core import AsyncCore
from wardgate.client.wire import UNSET, State, Unset, segment

if TYPE_CHECKING:
    from wardgate.client import models


class Clients(AsyncCore):
    """Operations of clients."""

    def list_clients(
        self,
        *,
        application: str | Unset | None = UNSET,
        environment: str | Unset | None = UNSET,
        limit: int | Unset = UNSET,
    ) -> AsyncIterator[models.Client]:
        """Clients, oldest first."""
        return self._pages(
            "/clients", {"application": application, "environment": environment, "limit": limit}
        )

    async def add_client(
        self,
        *,
        application: str,
        environment: str,
        name: str | Unset = UNSET,
        authentication: Literal[
            "none",
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
            "tls_client_auth",
            "self_signed_tls_client_auth",
        ]
        | Unset = UNSET,
        grant_types: Sequence[str] | Unset = UNSET,
        response_types: Sequence[str] | Unset = UNSET,
        redirect_uris: Sequence[str] | Unset = UNSET,
        post_logout_redirect_uris: Sequence[str] | Unset = UNSET,
        scopes: Sequence[str] | Unset = UNSET,
        audiences: Sequence[str] | Unset = UNSET,
        token_format: Literal["jwt", "opaque"] | Unset = UNSET,
        access_alg: str | Unset = UNSET,
        access_lifetime: int | Unset = UNSET,
        id_token_lifetime: int | Unset = UNSET,
        refresh_idle_lifetime: int | Unset = UNSET,
        refresh_lifetime: int | Unset = UNSET,
        id_token_alg: str | Unset = UNSET,
        userinfo_alg: str | Unset | None = UNSET,
        introspection_alg: str | Unset | None = UNSET,
        assertion_alg: str | Unset | None = UNSET,
        request_alg: str | Unset | None = UNSET,
        jwks: Mapping[str, Any] | Unset | None = UNSET,
        jwks_uri: str | Unset = UNSET,
        tls_subject_dn: str | Unset = UNSET,
        tls_san_dns: str | Unset = UNSET,
        tls_san_uri: str | Unset = UNSET,
        require_par: bool | Unset = UNSET,
        require_signed_request: bool | Unset = UNSET,
        require_dpop: bool | Unset = UNSET,
        certificate_bound: bool | Unset = UNSET,
        authorization_details_types: Sequence[str] | Unset = UNSET,
        subject_type: Literal["public", "pairwise"] | Unset = UNSET,
        sector_identifier_uri: str | Unset = UNSET,
        default_max_age: int | Unset | None = UNSET,
        require_auth_time: bool | Unset = UNSET,
        default_acr_values: Sequence[str] | Unset = UNSET,
        backchannel_logout_uri: str | Unset = UNSET,
        backchannel_logout_session_required: bool | Unset = UNSET,
        client_uri: str | Unset = UNSET,
        logo_uri: str | Unset = UNSET,
        policy_uri: str | Unset = UNSET,
        tos_uri: str | Unset = UNSET,
        contacts: Sequence[str] | Unset = UNSET,
        trusted: bool | Unset = UNSET,
        id_: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.SecretClient:
        """Add a client to an application. Its secret, if it shows one, is shown this once.

        With a legacy grant it is held, but in the first environment."""
        found: models.SecretClient = await self._ask(
            "POST",
            "/clients",
            body={
                "name": name,
                "authentication": authentication,
                "grant_types": grant_types,
                "response_types": response_types,
                "redirect_uris": redirect_uris,
                "post_logout_redirect_uris": post_logout_redirect_uris,
                "scopes": scopes,
                "audiences": audiences,
                "token_format": token_format,
                "access_alg": access_alg,
                "access_lifetime": access_lifetime,
                "id_token_lifetime": id_token_lifetime,
                "refresh_idle_lifetime": refresh_idle_lifetime,
                "refresh_lifetime": refresh_lifetime,
                "id_token_alg": id_token_alg,
                "userinfo_alg": userinfo_alg,
                "introspection_alg": introspection_alg,
                "assertion_alg": assertion_alg,
                "request_alg": request_alg,
                "jwks": jwks,
                "jwks_uri": jwks_uri,
                "tls_subject_dn": tls_subject_dn,
                "tls_san_dns": tls_san_dns,
                "tls_san_uri": tls_san_uri,
                "require_par": require_par,
                "require_signed_request": require_signed_request,
                "require_dpop": require_dpop,
                "certificate_bound": certificate_bound,
                "authorization_details_types": authorization_details_types,
                "subject_type": subject_type,
                "sector_identifier_uri": sector_identifier_uri,
                "default_max_age": default_max_age,
                "require_auth_time": require_auth_time,
                "default_acr_values": default_acr_values,
                "backchannel_logout_uri": backchannel_logout_uri,
                "backchannel_logout_session_required": backchannel_logout_session_required,
                "client_uri": client_uri,
                "logo_uri": logo_uri,
                "policy_uri": policy_uri,
                "tos_uri": tos_uri,
                "contacts": contacts,
                "trusted": trusted,
                "application": application,
                "environment": environment,
                "id": id_,
            },
            idempotency_key=idempotency_key,
        )
        return found

    async def show_client(self, client_id: str) -> models.Client:
        """One client."""
        found: models.Client = await self._ask("GET", f"/clients/{segment(client_id)}")
        return found

    async def update_client(
        self,
        client_id: str,
        *,
        if_match: State,
        name: str | Unset = UNSET,
        authentication: Literal[
            "none",
            "client_secret_basic",
            "client_secret_post",
            "private_key_jwt",
            "tls_client_auth",
            "self_signed_tls_client_auth",
        ]
        | Unset = UNSET,
        grant_types: Sequence[str] | Unset = UNSET,
        response_types: Sequence[str] | Unset = UNSET,
        redirect_uris: Sequence[str] | Unset = UNSET,
        post_logout_redirect_uris: Sequence[str] | Unset = UNSET,
        scopes: Sequence[str] | Unset = UNSET,
        audiences: Sequence[str] | Unset = UNSET,
        token_format: Literal["jwt", "opaque"] | Unset = UNSET,
        access_alg: str | Unset = UNSET,
        access_lifetime: int | Unset = UNSET,
        id_token_lifetime: int | Unset = UNSET,
        refresh_idle_lifetime: int | Unset = UNSET,
        refresh_lifetime: int | Unset = UNSET,
        id_token_alg: str | Unset = UNSET,
        userinfo_alg: str | Unset | None = UNSET,
        introspection_alg: str | Unset | None = UNSET,
        assertion_alg: str | Unset | None = UNSET,
        request_alg: str | Unset | None = UNSET,
        jwks: Mapping[str, Any] | Unset | None = UNSET,
        jwks_uri: str | Unset = UNSET,
        tls_subject_dn: str | Unset = UNSET,
        tls_san_dns: str | Unset = UNSET,
        tls_san_uri: str | Unset = UNSET,
        require_par: bool | Unset = UNSET,
        require_signed_request: bool | Unset = UNSET,
        require_dpop: bool | Unset = UNSET,
        certificate_bound: bool | Unset = UNSET,
        authorization_details_types: Sequence[str] | Unset = UNSET,
        subject_type: Literal["public", "pairwise"] | Unset = UNSET,
        sector_identifier_uri: str | Unset = UNSET,
        default_max_age: int | Unset | None = UNSET,
        require_auth_time: bool | Unset = UNSET,
        default_acr_values: Sequence[str] | Unset = UNSET,
        backchannel_logout_uri: str | Unset = UNSET,
        backchannel_logout_session_required: bool | Unset = UNSET,
        client_uri: str | Unset = UNSET,
        logo_uri: str | Unset = UNSET,
        policy_uri: str | Unset = UNSET,
        tos_uri: str | Unset = UNSET,
        contacts: Sequence[str] | Unset = UNSET,
        trusted: bool | Unset = UNSET,
    ) -> models.SecretClient:
        """Change a client; lists replace what was there. Tokens it already has stay what they are. What makes it weaker is
        refused while it is in use, and held when it is not, but in the first environment.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.SecretClient = await self._ask(
            "PATCH",
            f"/clients/{segment(client_id)}",
            body={
                "name": name,
                "authentication": authentication,
                "grant_types": grant_types,
                "response_types": response_types,
                "redirect_uris": redirect_uris,
                "post_logout_redirect_uris": post_logout_redirect_uris,
                "scopes": scopes,
                "audiences": audiences,
                "token_format": token_format,
                "access_alg": access_alg,
                "access_lifetime": access_lifetime,
                "id_token_lifetime": id_token_lifetime,
                "refresh_idle_lifetime": refresh_idle_lifetime,
                "refresh_lifetime": refresh_lifetime,
                "id_token_alg": id_token_alg,
                "userinfo_alg": userinfo_alg,
                "introspection_alg": introspection_alg,
                "assertion_alg": assertion_alg,
                "request_alg": request_alg,
                "jwks": jwks,
                "jwks_uri": jwks_uri,
                "tls_subject_dn": tls_subject_dn,
                "tls_san_dns": tls_san_dns,
                "tls_san_uri": tls_san_uri,
                "require_par": require_par,
                "require_signed_request": require_signed_request,
                "require_dpop": require_dpop,
                "certificate_bound": certificate_bound,
                "authorization_details_types": authorization_details_types,
                "subject_type": subject_type,
                "sector_identifier_uri": sector_identifier_uri,
                "default_max_age": default_max_age,
                "require_auth_time": require_auth_time,
                "default_acr_values": default_acr_values,
                "backchannel_logout_uri": backchannel_logout_uri,
                "backchannel_logout_session_required": backchannel_logout_session_required,
                "client_uri": client_uri,
                "logo_uri": logo_uri,
                "policy_uri": policy_uri,
                "tos_uri": tos_uri,
                "contacts": contacts,
                "trusted": trusted,
            },
            if_match=if_match,
        )
        return found

    async def remove_client(self, client_id: str, *, if_match: State) -> None:
        """Delete a client with its secrets and grants; its tokens are refused at once.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        await self._ask("DELETE", f"/clients/{segment(client_id)}", if_match=if_match)

    async def rotate_client(
        self,
        client_id: str,
        *,
        if_match: State,
        overlap: float | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.SecretClient:
        """Give a client a new secret, shown this once. The old one stays good for the overlap.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.SecretClient = await self._ask(
            "POST",
            f"/clients/{segment(client_id)}:rotate",
            body={"overlap": overlap},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    async def suspend_client(
        self, client_id: str, *, if_match: State, idempotency_key: str | None = None
    ) -> models.Client:
        """Give a client no token, and have the gateways refuse those it has.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Client = await self._ask(
            "POST",
            f"/clients/{segment(client_id)}:suspend",
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    async def restore_client(
        self,
        client_id: str,
        *,
        if_match: State,
        reason: str | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.Client:
        """Serve a suspended client again. One that is held takes another person than those who made it so, and a reason.

        ``if_match``: the thing as it was read, its entity tag, or ``*`` for any state."""
        found: models.Client = await self._ask(
            "POST",
            f"/clients/{segment(client_id)}:restore",
            body={"reason": reason},
            if_match=if_match,
            idempotency_key=idempotency_key,
        )
        return found

    async def issue_registration_token(
        self,
        *,
        environment: str,
        application: str | Unset | None = UNSET,
        scopes: Sequence[str] | Unset = UNSET,
        lifetime: float | Unset = UNSET,
        idempotency_key: str | None = None,
    ) -> models.Registration:
        """Let one client register itself, once. The token is shown this once."""
        found: models.Registration = await self._ask(
            "POST",
            "/clients:registration-token",
            body={
                "environment": environment,
                "application": application,
                "scopes": scopes,
                "lifetime": lifetime,
            },
            idempotency_key=idempotency_key,
        )
        return found
