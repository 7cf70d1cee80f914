"""The context in which a connection of websockets.asyncio sends, without a generator around it.

Every `send()`, `ping()` and `close()` runs in `Connection.send_context()`, an asynchronous
generator that costs more than framing the message does. What nearly all of them need of it stands
here written out: the connection is open, stays open, and the data is sent. Rule: what begins or
ends in any other way is left to the stock generator, brought to the point where it would be.
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from types import TracebackType

from websockets.asyncio.connection import Connection
from websockets.protocol import OPEN, State

__all__ = ["STOCK_SEND_CONTEXT", "Connection", "send_context"]

STOCK_SEND_CONTEXT = Connection.send_context


class SendContext:
    """What `async with connection.send_context()` enters and leaves."""

    __slots__ = ("_connection", "_expected_state")

    def __init__(self, connection: Connection, expected_state: State) -> None:
        self._connection = connection
        self._expected_state = expected_state

    async def __aenter__(self) -> None:
        if self._connection.protocol.state is not self._expected_state:
            await self._stock(self._expected_state).__aenter__()  # waits for the end, and raises

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        connection = self._connection
        if error is not None or connection.protocol.close_expected():
            # From here on the stock one does not look at what was expected.
            stock = self._stock(connection.protocol.state)
            await stock.__aenter__()
            return await stock.__aexit__(kind, error, trace)
        try:
            connection.send_data()
            await connection.drain()
        except Exception as exc:
            if connection.debug:
                connection.logger.debug("! error while sending data", exc_info=True)
            connection.set_connection_exc(exc)
        else:
            return None
        connection.transport.abort()
        await asyncio.shield(connection.connection_lost_waiter)
        raise connection.close_exc

    def _stock(self, state: State) -> AbstractAsyncContextManager[None]:
        return STOCK_SEND_CONTEXT(self._connection, expected_state=state)


def send_context(self: Connection, *, expected_state: State = OPEN) -> SendContext:
    """Make a context for writing from user code, as `Connection.send_context` does."""
    return SendContext(self, expected_state)
