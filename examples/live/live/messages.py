"""What the page and the server say to each other, and the check of what comes.

Everything but the chart is JSON in text messages. The chart's points are binary messages: see
chart.py.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pydantic

Channel = Annotated[str, pydantic.Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Name = Annotated[str, pydantic.Field(min_length=1, max_length=32)]


class Message(pydantic.BaseModel):
    """What a client may send; a field too many is refused as well."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Hello(Message):
    """The first message of a connection that had no token in its address."""

    type: Literal["hello"]
    token: Annotated[str, pydantic.Field(max_length=1024)]


class Subscribe(Message):
    """Ask for what is published in a channel, from now on."""

    type: Literal["subscribe"]
    channel: Channel


class Unsubscribe(Message):
    """Ask for it no longer."""

    type: Literal["unsubscribe"]
    channel: Channel


class Publish(Message):
    """Say something to all who are in a channel, oneself included."""

    type: Literal["publish"]
    channel: Channel
    text: Annotated[str, pydantic.Field(min_length=1, max_length=65536)]


class Ping(Message):
    """Ask for a pong: pages cannot see those of the protocol (RFC 6455 5.5.2)."""

    type: Literal["ping"]
    sent: float


Request = Subscribe | Unsubscribe | Publish | Ping
HELLO: pydantic.TypeAdapter[Hello] = pydantic.TypeAdapter(Hello)
REQUEST: pydantic.TypeAdapter[Request] = pydantic.TypeAdapter(
    Annotated[Request, pydantic.Field(discriminator="type")]
)


def complaint(error: pydantic.ValidationError) -> str:
    """Say what is wrong, short enough for the reason of a close frame (123 bytes)."""
    first: Any = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    words = f"{where}: {first['msg']}" if where else first["msg"]
    return words.encode()[:120].decode(errors="ignore")
