"""What every benchmark begins with."""

import logging
import os
import time

_ENVIRONMENT = {
    "TZ": "UTC",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "POWERTOOLS_METRICS_DISABLED": "true",
}


def prepare() -> None:
    """UTC, credentials that open nothing, and nothing printed but the figures."""
    os.environ.update(_ENVIRONMENT)
    time.tzset()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
