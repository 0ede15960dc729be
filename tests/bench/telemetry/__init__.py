"""What the gateway's telemetry takes in, answers and forgets, with a million records stored."""
