"""How each browser engine is found, launched and driven. Use ``pysandbox.testing.browsers``, which is the door to it."""
