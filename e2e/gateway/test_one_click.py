"""One click in the demo page is one trace, from the page to the vendor's API and back: in the operator's dashboard, and
in what an OpenTelemetry collector is sent."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from e2e.conftest import EXAMPLES
from e2e.gateway.test_dashboard import PATIENCE_S, signed_in
from e2e.kit.deployment import Deployment, Upstream, vault_key
from pysandbox.gateway.pages import pages_folder
from pysandbox.testing.browsers import Browser, Page

DEMO = [EXAMPLES / name for name in ("risk_scoring", "conversation_summary", "pii_redactor", "misbehaving")]


class Collector:
    """As far as senders see it, over plain HTTP on loopback: TLS to one is tested where nobody has a browser."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._upstream = Upstream(Starlette(routes=[Route("/v1/{signal}", self._take, methods=["POST"])]))
        self.url = f"http://{self._upstream.authority}"
        self.close = self._upstream.close

    async def _take(self, request: Request) -> Response:
        if request.path_params["signal"] == "traces":
            told = ExportTraceServiceRequest.FromString(gzip.decompress(await request.body()))
            self.spans += [
                span for resource in told.resource_spans for scope in resource.scope_spans for span in scope.spans]
        return Response(media_type="application/x-protobuf")

    def of(self, trace_id: str) -> list[Span]:
        """The spans of a trace, the first to begin first."""
        found = [span for span in self.spans if span.trace_id.hex() == trace_id]
        return sorted(found, key=lambda span: span.start_time_unix_nano)


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


@pytest.fixture(scope="module")
def demo(dist: Path, tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Deployment]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(*vault_key())
        folder = tmp_path_factory.mktemp("demo")
        with Deployment(folder, DEMO, dist=dist, pages=pages_folder(), export_otlp_url=collector.url) as running:
            yield running


def wait_until(there: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not there():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.one_engine
def test_one_click_is_one_trace_in_dashboard_and_collector(
    browser: Browser, page: Page, demo: Deployment, collector: Collector
) -> None:
    page.goto(f"{demo.api_origin}/pages/demo.html#token={demo.token}&sandbox={demo.sandbox_origin}")
    page.wait_for("document.querySelectorAll('#cards > *').length >= 3", timeout_s=PATIENCE_S)
    page.evaluate("() => document.querySelector('#samples button').click()")
    wait_until(demo.asked)
    [(_, _, asked, _)] = demo.asked()
    cid, (_, trace_id, parent, _) = asked["x-correlation-id"], asked["traceparent"].split("-")

    wait_until(lambda: len(collector.of(trace_id)) == 2)
    invocation, request = collector.of(trace_id)
    assert (invocation.kind, request.kind) == (Span.SPAN_KIND_INTERNAL, Span.SPAN_KIND_SERVER)
    assert invocation.parent_span_id == b""
    assert request.parent_span_id == invocation.span_id
    assert request.span_id.hex() == parent, "the upstream was told that this is its parent"

    operator = browser.new_page()
    try:
        signed_in(operator, demo)
        row = f"[...document.querySelectorAll('#tail button')].find((one) => one.textContent === {cid!r})"
        operator.wait_for(f"{row} !== undefined", timeout_s=PATIENCE_S)
        operator.evaluate(f"() => {row}.click()")
        operator.wait_for("document.querySelectorAll('#trace .waterfall li').length === 2", timeout_s=PATIENCE_S)
        told = operator.evaluate("() => document.querySelector('#trace').innerText")
    finally:
        operator.close()
    assert "page → host → com.vendor.risk-scoring evaluate" in told
    assert "upstream " in told
