"""A plugin for uvicorn's own pytest: our class stands where a class of uvicorn's is tested.

FASTWS_HOSTS_IN=1 puts it in the place of `WebSocketsSansIOProtocol`. FASTWS_HOSTS_LOOP=uvloop lets
the tests run on uvloop, in both runs.
"""

import asyncio
import os

from uvicorn.protocols.websockets import websockets_sansio_impl

if os.environ.get("FASTWS_HOSTS_LOOP") == "uvloop":
    import uvloop

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
if os.environ.get("FASTWS_HOSTS_IN") == "1":
    from fastws.adapters.uvicorn import WebSocketProtocol

    websockets_sansio_impl.WebSocketsSansIOProtocol = WebSocketProtocol
