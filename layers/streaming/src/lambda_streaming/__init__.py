"""Streams the responses of an ASGI app from the managed Python runtime of AWS Lambda."""

from lambda_streaming.handler import AsgiHandler
from lambda_streaming.invocation import Invocation, current_invocation

__all__ = ["AsgiHandler", "Invocation", "current_invocation"]
