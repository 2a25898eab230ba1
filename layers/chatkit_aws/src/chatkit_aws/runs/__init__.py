"""Runs: one at a time in a thread, which others can follow and stop from anywhere."""

from chatkit_aws.runs.claim import Busy, Claim, NameTaken, Repeated
from chatkit_aws.runs.leases import Leases
from chatkit_aws.runs.log import EventLog
from chatkit_aws.runs.stops import Stops

__all__ = ["Busy", "Claim", "EventLog", "Leases", "NameTaken", "Repeated", "Stops"]
