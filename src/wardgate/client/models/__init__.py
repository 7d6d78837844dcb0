"""What the admin API is sent and answers. Made by tools/gen_client.py (make client); change the operations instead."""

from __future__ import annotations

from wardgate.client.models.of_a import Account, AddedUser, AdminToken, AdminTokenIssue, Approval
from wardgate.client.models.of_c import Cancellation, Client, ClientSecret, ClientSettings
from wardgate.client.models.of_d import (
    DecisionShown,
    DeploymentShown,
    Differences,
    DifferenceShown,
    DocumentResult,
    DocumentToApply,
    DriftShown,
)
from wardgate.client.models.of_e import ExportedDocument
from wardgate.client.models.of_f import Finding
from wardgate.client.models.of_h import HeldRole
from wardgate.client.models.of_i import IssuedAdminToken, IssuedKey
from wardgate.client.models.of_k import (
    Key,
    KeyIssue,
    KeyPresented,
    KeyRestrictions,
    KeyRestrictionsInput,
    KeyRotation,
    KeyVerdict,
)
from wardgate.client.models.of_m import Me
from wardgate.client.models.of_n import (
    NewClient,
    NewProvider,
    NewProviderSecret,
    NewRegistration,
    NewServiceAccount,
    NewUser,
)
from wardgate.client.models.of_o import Operator, Overlap
from wardgate.client.models.of_p import (
    PresentedToken,
    Project,
    ProjectSettings,
    PromotionRequest,
    PromotionShown,
    PromotionSummary,
    Provider,
    ProviderCheck,
    ProviderSettings,
)
from wardgate.client.models.of_r import (
    Refusal,
    Registration,
    Reset,
    ResetUser,
    Revocation,
    Revoked,
    Role,
    RoleGrant,
    RoleSettings,
    RollbackRequest,
)
from wardgate.client.models.of_s import (
    ScopeRole,
    ScopeRoleSettings,
    SecretClient,
    ServiceAccount,
    ServiceAccountSettings,
    Session,
    SignOn,
)
from wardgate.client.models.of_t import TokenState, TrafficLine, TrafficTop
from wardgate.client.models.of_u import UploadedDocument, User, UserRoles
from wardgate.client.models.of_w import Withdrawal

__all__ = [
    "Account",
    "AddedUser",
    "AdminToken",
    "AdminTokenIssue",
    "Approval",
    "Cancellation",
    "Client",
    "ClientSecret",
    "ClientSettings",
    "DecisionShown",
    "DeploymentShown",
    "DifferenceShown",
    "Differences",
    "DocumentResult",
    "DocumentToApply",
    "DriftShown",
    "ExportedDocument",
    "Finding",
    "HeldRole",
    "IssuedAdminToken",
    "IssuedKey",
    "Key",
    "KeyIssue",
    "KeyPresented",
    "KeyRestrictions",
    "KeyRestrictionsInput",
    "KeyRotation",
    "KeyVerdict",
    "Me",
    "NewClient",
    "NewProvider",
    "NewProviderSecret",
    "NewRegistration",
    "NewServiceAccount",
    "NewUser",
    "Operator",
    "Overlap",
    "PresentedToken",
    "Project",
    "ProjectSettings",
    "PromotionRequest",
    "PromotionShown",
    "PromotionSummary",
    "Provider",
    "ProviderCheck",
    "ProviderSettings",
    "Refusal",
    "Registration",
    "Reset",
    "ResetUser",
    "Revocation",
    "Revoked",
    "Role",
    "RoleGrant",
    "RoleSettings",
    "RollbackRequest",
    "ScopeRole",
    "ScopeRoleSettings",
    "SecretClient",
    "ServiceAccount",
    "ServiceAccountSettings",
    "Session",
    "SignOn",
    "TokenState",
    "TrafficLine",
    "TrafficTop",
    "UploadedDocument",
    "User",
    "UserRoles",
    "Withdrawal",
]
