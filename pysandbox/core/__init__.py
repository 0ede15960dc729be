"""Plain Python that every realm shares: no I/O, no clock, no randomness; time, ids and transport are passed in."""
