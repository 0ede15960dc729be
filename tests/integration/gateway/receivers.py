"""An OpenTelemetry Collector and a Splunk HTTP Event Collector, as far as senders see them: real TLS, client
certificates demanded, bodies read by OpenTelemetry's own protobuf messages; each does what its ``moods`` say, then
well.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from aiohttp import web
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from pysandbox.gateway.telemetry.export.wire import Certificates
from tests.integration.gateway.upstreams import Upstream, upstream

TOKEN = "0f6e1c0a-token"


class Authority:
    """Who signs for the receivers and for the gateway."""

    def __init__(self, folder: Path) -> None:
        self.ca = trustme.CA()
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.ca.cert_pem.write_to_path(str(folder / "ca.pem"))
        self.issue(self.ca)

    def issue(self, signer: trustme.CA) -> None:
        """The gateway's certificate, signed by ``signer``, in the files that it reads."""
        issued = signer.issue_cert("gateway.example")
        (self._folder / "gateway.pem").write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(self._folder / "gateway.key"))

    def certificates(self) -> Certificates:
        return Certificates(self._folder / "ca.pem", self._folder / "gateway.pem", self._folder / "gateway.key")

    def server(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.ca.issue_cert("127.0.0.1").configure_cert(context)
        self.ca.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        return context


@dataclass
class Receiver:
    """``ids``: of every record that was taken, as often as it came. ``moods``: what the next requests meet."""

    ids: list[str] = field(default_factory=list)
    gaps: list[int] = field(default_factory=list)
    metrics: list[ExportMetricsServiceRequest] = field(default_factory=list)
    moods: list[str] = field(default_factory=list)
    asked: int = 0
    unfit: str = ""
    """The id of a record that it never takes."""
    rejects: int = 0
    """So many spans of each request, by OTLP's partial success."""
    acks: dict[int, list[str]] = field(default_factory=dict)
    indexing: bool = True

    async def _mood(self) -> web.Response | None:
        """What stands in the way of an answer."""
        self.asked += 1
        mood = self.moods.pop(0) if self.moods else ""
        if mood == "slow":
            await asyncio.sleep(60)
        if mood == "limits":
            return web.Response(status=429, headers={"Retry-After": "7"})
        return web.Response(status=int(mood)) if mood.isdigit() else None

    async def otlp(self, request: web.Request) -> web.StreamResponse:
        assert request.content_type == "application/x-protobuf"
        if (refusal := await self._mood()) is not None:
            return refusal
        body = await request.read()  # aiohttp has uncompressed it
        if request.path == "/v1/metrics":
            self.metrics.append(ExportMetricsServiceRequest.FromString(body))
            return web.Response()
        if request.path == "/v1/logs":
            return self._logs(ExportLogsServiceRequest.FromString(body))
        assert request.path == "/v1/traces"
        return self._traces(ExportTraceServiceRequest.FromString(body))

    def _traces(self, told: ExportTraceServiceRequest) -> web.Response:
        found = [
            attribute.value.string_value for resource in told.resource_spans for scope in resource.scope_spans
            for span in scope.spans for attribute in span.attributes if attribute.key == "pysandbox.record.id"]
        if self.unfit in found:
            return web.Response(status=400)
        self.ids += found
        rejected = ExportTracePartialSuccess(rejected_spans=self.rejects)
        return web.Response(body=ExportTraceServiceResponse(partial_success=rejected).SerializeToString())

    def _logs(self, told: ExportLogsServiceRequest) -> web.Response:
        fields = [
            attribute for resource in told.resource_logs for scope in resource.scope_logs
            for one in scope.log_records for attribute in one.attributes]
        self.ids += [one.value.string_value for one in fields if one.key == "log.record.uid"]
        self.gaps += [one.value.int_value for one in fields if one.key == "pysandbox.export.dropped"]
        return web.Response()

    async def splunk(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Splunk {TOKEN}":
            return web.json_response({"text": "Invalid token", "code": 4}, status=403)
        if not request.headers.get("X-Splunk-Request-Channel"):
            return web.json_response({"text": "Data channel is missing", "code": 10}, status=400)
        if request.path == "/services/collector/ack":
            return self._acknowledged(json.loads(await request.read())["acks"])
        assert request.path == "/services/collector/event"
        if (refusal := await self._mood()) is not None:
            return refusal
        told = [json.loads(line)["event"] for line in (await request.read()).decode().splitlines()]
        if any(one.get("id") == self.unfit for one in told):
            return web.json_response({"text": "Invalid data format", "code": 6}, status=400)
        ack = len(self.acks)
        self.acks[ack] = [one["id"] for one in told if "id" in one]
        self.gaps += [one["dropped"] for one in told if one["kind"] == "gap"]
        return web.json_response({"text": "Success", "code": 0, "ackId": ack})

    def _acknowledged(self, asked: list[int]) -> web.Response:
        for ack in asked if self.indexing else ():
            self.ids += self.acks[ack]
        return web.json_response({"acks": {str(ack): self.indexing for ack in asked}})


@asynccontextmanager
async def receiving(receiver: Receiver, authority: Authority, kind: str) -> AsyncIterator[Upstream]:
    """Over TLS, to who shows a certificate of the authority's."""
    handler: Any = receiver.otlp if kind == "otlp" else receiver.splunk

    async def checked(request: web.Request) -> web.StreamResponse:
        assert request.headers["Content-Encoding"] == "gzip"
        assert request.transport is not None
        assert request.transport.get_extra_info("peercert")["subjectAltName"][0][1] == "gateway.example"
        return await handler(request)

    async with upstream(checked, authority.server()) as server:
        yield server
