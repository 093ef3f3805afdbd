"""A WIRTHFORGE core, followed over its WebSocket."""
