"""Flows in the gateway: kept by tenant, run by whichever replica holds the execution, resumed from the journal."""
