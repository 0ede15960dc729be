"""Telemetry sent on to the operator's tools: each record at least once, in the order in which it was kept."""
