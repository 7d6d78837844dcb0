"""Every operation of the admin API. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from wardgate.client.sync.access import Access
from wardgate.client.sync.apis import Apis
from wardgate.client.sync.applications import Applications
from wardgate.client.sync.audit import Audit
from wardgate.client.sync.clients import Clients
from wardgate.client.sync.differences import Differences
from wardgate.client.sync.documents import Documents
from wardgate.client.sync.drift import Drift
from wardgate.client.sync.environments import Environments
from wardgate.client.sync.groups import Groups
from wardgate.client.sync.keys import Keys
from wardgate.client.sync.leaks import Leaks
from wardgate.client.sync.operators import Operators
from wardgate.client.sync.promotions import Promotions
from wardgate.client.sync.providers import Providers
from wardgate.client.sync.revisions import Revisions
from wardgate.client.sync.roles import Roles
from wardgate.client.sync.subscriptions import Subscriptions
from wardgate.client.sync.tokens import Tokens
from wardgate.client.sync.traffic import Traffic
from wardgate.client.sync.users import Users
from wardgate.client.sync.webhooks import Webhooks


class Client(
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
