"""Telemetry without people in it: what a record is, what may stand in one, when figures are an alert.

Plain Python for three places: the browser's host makes records, the gateway judges and counts them, and tests
simulate days.
Must not know: where records travel, how they are stored.
"""
