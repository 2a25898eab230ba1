"""The Lambda handler: the application, its answers whole; without the exec wrapper nothing streams."""

from lambda_streaming import AsgiHandler
from task_tools.bootstrap import create_app_from_environment

handler = AsgiHandler(create_app_from_environment())
