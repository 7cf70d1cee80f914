"""A live page: channels, presence and a chart, over WebSocket connections that fastws carries."""
