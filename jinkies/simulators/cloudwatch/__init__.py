"""A CloudWatch Logs that runs on loopback and can go wrong in every way that the real one does.

It answers FilterLogEvents, DescribeLogGroups, StartLiveTail, PutLogEvents and a little of Logs Insights. Required
members, lengths, patterns and limits follow the service's published description and API reference.
"""

from jinkies.simulators.cloudwatch.bulk import Bulk
from jinkies.simulators.cloudwatch.faults import Fault, Kind
from jinkies.simulators.cloudwatch.live import Session
from jinkies.simulators.cloudwatch.server import Call, SimulatedCloudWatch
from jinkies.simulators.cloudwatch.world import Event, World, arn_of

__all__ = ["Bulk", "Call", "Event", "Fault", "Kind", "Session", "SimulatedCloudWatch", "World", "arn_of"]
