"""How each browser engine is found, launched and driven; ``pysandbox.testing.browsers`` is the door to it."""
