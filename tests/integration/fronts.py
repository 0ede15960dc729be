"""A real nginx in front of a gateway, set up as docs/gateway-in-front.md says, the API below a path."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.services import Service, answers, program, running

CONFIG = """
worker_processes 1;
daemon off;
master_process off;
pid {folder}/nginx.pid;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location {prefix}/ {{
      proxy_pass http://127.0.0.1:{to};
      proxy_set_header Host $http_host;
      proxy_http_version 1.1;
      proxy_request_buffering on;
      proxy_buffering off;
    }}
    location / {{ return 404; }}
    merge_slashes off;
  }}
}}
"""


@contextmanager
def nginx(port: int, to: int, prefix: str) -> Iterator[None]:
    """What is below ``prefix`` at ``port`` is asked of ``to``, with its path as it is; the rest is nowhere."""
    executable = program("nginx", "nginx")
    with tempfile.TemporaryDirectory(prefix="pysandbox-nginx-") as folder:
        file = Path(folder, "nginx.conf")
        file.write_text(CONFIG.format(folder=folder, port=port, to=to, prefix=prefix), "utf-8")
        command = [executable, "-c", str(file), "-p", folder, "-e", f"{folder}/error.log"]
        with running(Service(f"http://127.0.0.1:{port}", command, lambda: answers(port))):
            yield
