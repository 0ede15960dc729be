"""A day of proxied calls compressed: the real server under load, its upstream now well, now broken.

`python -m tests.soak.gateway` runs it. `server.py` is the process whose memory is read; `load.py` asks and adds up.
"""
