"""Echo with uvicorn, whose WebSocket protocol is websockets-sansio."""

from __future__ import annotations

import sys

import uvicorn
from asgi_app import app

uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), ws="websockets-sansio")
