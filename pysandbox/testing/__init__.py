"""What plugin authors and QA import: real browsers behind one driver, and fakes for unit tests.

The fakes need the base install only; the browsers are in `pysandbox.testing.browsers`.
"""

from __future__ import annotations

from pysandbox.testing.clock import ManualClock
from pysandbox.testing.fake_context import FakeContext, run
from pysandbox.testing.fake_proxy import ProxyRequest, json_response
from pysandbox.testing.plugin_folder import PluginFolder, load_plugin

__all__ = ["FakeContext", "ManualClock", "PluginFolder", "ProxyRequest", "json_response", "load_plugin", "run"]
