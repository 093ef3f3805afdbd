"""Re-exports the endpoint."""

from wftui.endpoint import Endpoint

__all__ = ["Endpoint"]
