"""The Lambda handler: the application, streamed."""

from chat_api.bootstrap import create_app_from_environment
from lambda_streaming import AsgiHandler

handler = AsgiHandler(create_app_from_environment())
