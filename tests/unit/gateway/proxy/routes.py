"""Routes for tests: the guide's body, and one that leads somewhere."""

from __future__ import annotations

from typing import Any

from pysandbox.gateway.proxy.route import Route, parse_route

ALLOWED = ("/proxy/*",)
PLUGIN = "com.vendor.risk-scoring"
GUIDE: dict[str, Any] = {
    "name": "VendorRiskScoringProxy",
    "enabled": True,
    "routePattern": "/proxy/vendor/risk/*",
    "authMethod": "oauth2_client_credentials",
    "credentials": {
        "secretRef": "vault://prod/plugins/vendor-risk/credentials",
        "tokenRefreshIntervalSeconds": 300,
    },
    "rateLimit": {"requestsPerMinute": 60, "burstSize": 10},
    "timeoutMs": 2500,
    "responseTransform": {
        "stripHeaders": ["X-Internal-Trace", "Authorization"],
        "maskFields": ["ssn", "credit_card", "account_number"],
    },
}


def body(**changes: Any) -> dict[str, Any]:
    """The guide's body with an upstream and a plugin, and ``changes``; None takes a key out."""
    whole = {**GUIDE, "upstream": {"baseUrl": "https://risk.vendor.example/v1"}, "plugins": [PLUGIN], **changes}
    return {key: value for key, value in whole.items() if value is not None}


def route(**changes: Any) -> Route:
    return parse_route(body(**changes), allowlist=ALLOWED)
