"""One invocation in a Deno process: what ``run`` does in a browser, where there is none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pysandbox.cli.browser_run import Call, Report, as_outcome
from pysandbox.core.broker.registered import Registered
from pysandbox.core.errors import SandboxError
from pysandbox.gateway.dist import load_dist
from pysandbox.gateway.folder import BuiltPlugin, Resolver, build_folder, refuse_requirements
from pysandbox.gateway.library import library_judge
from pysandbox.invoker.assets import DEFAULT_DIST
from pysandbox.invoker.deno import DenoInvoker
from pysandbox.invoker.tenancy import Capability, Tenancy, Told


def run_in_deno(call: Call, *, dist: Path | None = None, resolve: Resolver = refuse_requirements) -> Report:
    """Run ``call`` once. Every fault of the plugin or its folder is an outcome.

    Raises `SandboxError` ``RUNTIME_MISSING`` where there is nothing to run it in.
    """
    try:
        built = build_folder(call.folder, resolve=resolve)
    except SandboxError as error:
        return Report(as_outcome(error))
    return asyncio.run(_run(call, built, dist))


async def _run(call: Call, built: BuiltPlugin, dist: Path | None) -> Report:
    needs_library = library_judge(load_dist(dist))(built)
    told: list[Told] = []
    async with DenoInvoker(dist=dist or DEFAULT_DIST, spares=0, listen=told.append) as invoker:
        tenancy = Tenancy(grants=frozenset(built.manifest.permissions), capabilities=answering(call.capabilities))
        try:
            loaded = await invoker.load(Registered(built.manifest, built.bundle, needs_library), tenancy)
        except SandboxError as error:
            outcome = as_outcome(error)
        else:
            ended = await invoker.call(loaded.key, call.handler, call.payload, timeout_ms=call.timeout_ms or 0)
            outcome = cast(dict[str, object], json.loads(ended.to_json()))
    return Report(outcome, _said(told, "log"), _said(told, "alert"))


def answering(values: Mapping[str, object]) -> Mapping[str, Capability]:
    """A capability for each value, which is what it always answers."""

    def always(value: object) -> Capability:
        async def answer(_args: object) -> object:
            return value

        return answer

    return {name: always(value) for name, value in values.items()}


def _said(told: list[Told], kind: str) -> list[Any]:
    return [json.loads(each.payload) for each in told if each.kind == kind]
