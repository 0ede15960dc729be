"""nginx as a reverse proxy with a rate limit: one worker, as the others have one process."""

from __future__ import annotations

from pathlib import Path

CONFIG = """
worker_processes 1;
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_requests 1000000;
  limit_req_zone $http_pysandbox_plugin zone=plugins:10m rate=100000r/s;
  upstream api {{ server 127.0.0.1:{upstream}; keepalive 512; keepalive_requests 1000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      limit_req zone=plugins burst=10000 nodelay;
      proxy_pass http://api;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffers 8 16k;
    }}
  }}
}}
"""


def command(folder: Path, port: int, upstream: int) -> list[str]:
    """Write the configuration into ``folder``; the command that serves it."""
    file = folder / "nginx.conf"
    file.write_text(CONFIG.format(folder=folder, port=port, upstream=upstream))
    return ["nginx", "-c", str(file), "-p", str(folder), "-e", str(folder / "error.log")]
