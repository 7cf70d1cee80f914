"""uvicorn's own command with our class: how it is chosen, workers, and reloading."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from processes import ROOT

pytest.importorskip("uvicorn")
client = pytest.importorskip("websockets.sync.client")

NAME = "fastws.adapters.uvicorn:WebSocketProtocol"
APP = """
import json, os

async def app(scope, receive, send):
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    told = {"pid": os.getpid(), "class": type(send.__self__).__module__, "version": 1}
    await send({"type": "websocket.send", "text": json.dumps(told)})
    while (event := await receive())["type"] == "websocket.receive":
        await send({**event, "type": "websocket.send"})
"""


@contextmanager
def uvicorn(folder: Path, *options: str, **variables: str) -> Iterator[str]:
    """Start uvicorn; give its address."""
    (folder / "app_of_test.py").write_text(APP)
    words = ["-m", "uvicorn", "app_of_test:app", "--app-dir", str(folder), "--port", "0"]
    with subprocess.Popen(
        [sys.executable, *words, "--no-use-colors", "--no-proxy-headers", *options],
        env={**os.environ, "PYTHONPATH": ROOT, **variables},
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        try:
            log = []
            for line in process.stderr:
                log.append(line)
                if "running on http://" in line:
                    yield "ws://" + line.partition("http://")[2].split()[0]
                    break
            else:
                pytest.fail("uvicorn did not start: " + "".join(log))
        finally:
            process.terminate()
            process.stderr.read()


def told(url: str, version: int = 1) -> dict[str, Any]:
    """Ask the server who serves, once it is there and of that version."""
    deadline = time.monotonic() + 20
    while True:
        try:
            with client.connect(url) as connection:
                found: dict[str, Any] = json.loads(connection.recv())
                connection.send("ä" * 1000)
                assert connection.recv() == "ä" * 1000
            if found["version"] == version:
                return found
        except OSError:
            pass
        if time.monotonic() > deadline:
            pytest.fail("the server did not come")
        time.sleep(0.05)


def test_the_option(tmp_path: Path) -> None:
    with uvicorn(tmp_path, "--ws", NAME) as url:
        assert told(url)["class"] == "fastws.adapters._uvicorn_protocol"


def test_the_variable_and_workers(tmp_path: Path) -> None:
    with uvicorn(tmp_path, "--workers", "2", UVICORN_WS=NAME) as url:
        found = [told(url) for _ in range(20)]
    assert {one["class"] for one in found} == {"fastws.adapters._uvicorn_protocol"}


@pytest.mark.slow
def test_reloading(tmp_path: Path) -> None:
    with uvicorn(tmp_path, "--reload", "--ws", NAME) as url:
        before = told(url)
        time.sleep(1.1)  # the time of the file is looked at, in seconds on some file systems
        path = tmp_path / "app_of_test.py"
        path.write_text(APP.replace('"version": 1', '"version": 2'))
        after = told(url, version=2)
    assert before["pid"] != after["pid"]
    assert after["class"] == before["class"] == "fastws.adapters._uvicorn_protocol"


NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {url};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
    }}
  }}
}}
"""


@pytest.mark.skipif(shutil.which("nginx") is None, reason="there is no nginx")
def test_behind_nginx(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with uvicorn(tmp_path, "--ws", NAME) as url:
        config = tmp_path / "nginx.conf"
        backend = url.replace("ws:", "http:")
        config.write_text(NGINX.format(folder=tmp_path, port=port, url=backend))
        with subprocess.Popen(
            ["nginx", "-p", str(tmp_path), "-e", "stderr", "-c", str(config)],
            stderr=subprocess.PIPE,
        ) as nginx:
            try:
                found = told(f"ws://127.0.0.1:{port}")
            finally:
                nginx.terminate()
                nginx.communicate()
    assert found["class"] == "fastws.adapters._uvicorn_protocol"
