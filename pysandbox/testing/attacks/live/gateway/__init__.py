"""The attacks on a gateway itself, over HTTP: made once, since no browser makes a difference to them.

``field`` is what they stand on: a session, a route of their own and the API behind it. Each module beside it is a
group of moves; a move plays its control too, the same request as it should be.
"""
