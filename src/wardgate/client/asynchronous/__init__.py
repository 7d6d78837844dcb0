"""Every operation of the admin API. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from wardgate.client.asynchronous.access import Access
from wardgate.client.asynchronous.apis import Apis
from wardgate.client.asynchronous.applications import Applications
from wardgate.client.asynchronous.audit import Audit
from wardgate.client.asynchronous.clients import Clients
from wardgate.client.asynchronous.differences import Differences
from wardgate.client.asynchronous.documents import Documents
from wardgate.client.asynchronous.drift import Drift
from wardgate.client.asynchronous.environments import Environments
from wardgate.client.asynchronous.groups import Groups
from wardgate.client.asynchronous.keys import Keys
from wardgate.client.asynchronous.leaks import Leaks
from wardgate.client.asynchronous.operators import Operators
from wardgate.client.asynchronous.promotions import Promotions
from wardgate.client.asynchronous.providers import Providers
from wardgate.client.asynchronous.revisions import Revisions
from wardgate.client.asynchronous.roles import Roles
from wardgate.client.asynchronous.subscriptions import Subscriptions
from wardgate.client.asynchronous.tokens import Tokens
from wardgate.client.asynchronous.traffic import Traffic
from wardgate.client.asynchronous.users import Users
from wardgate.client.asynchronous.webhooks import Webhooks


class AsyncClient(
    Access,
    Apis,
    Applications,
    Audit,
    Clients,
    Differences,
    Documents,
    Drift,
    Environments,
    Groups,
    Keys,
    Leaks,
    Operators,
    Promotions,
    Providers,
    Revisions,
    Roles,
    Subscriptions,
    Tokens,
    Traffic,
    Users,
    Webhooks,
):
    """A client of the admin API: one method an operation, named as in its OpenAPI document."""
