"""Telemetry at the gateway: records in, figures, alerts and exports out. What may stand in a record is `core`'s."""
