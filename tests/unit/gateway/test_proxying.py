"""The figures that a proxy leaves behind."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from pysandbox.core.errors import Code
from pysandbox.gateway.proxy.inspection import Finding, Kind
from pysandbox.gateway.proxying import ProxyCounts


def test_ends_and_findings_are_counted_by_route() -> None:
    registry = CollectorRegistry()
    counts = ProxyCounts(registry)
    counts("Risk", "upstream", 200, None)
    counts("Risk", "gateway", 504, Code.UPSTREAM_TIMEOUT)
    counts.found("Risk", Finding(Kind.PERSONAL_DATA, "body"))
    counts.found("Risk", Finding(Kind.PERSONAL_DATA, "body"))
    told = generate_latest(registry).decode()
    assert 'pysandbox_proxied_total{code="",outcome="upstream",route="Risk",status="200"} 1.0' in told
    assert 'code="UPSTREAM_TIMEOUT",outcome="gateway",route="Risk",status="504"} 1.0' in told
    assert 'pysandbox_proxy_findings_total{kind="personal-data",route="Risk",where="body"} 2.0' in told
