"""What an invocation came to, in numbers."""

from dataclasses import dataclass, field

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import AmazonCloudWatchEMFProvider

from chatkit_aws.store.cascade import Removed


@dataclass(slots=True)
class Figures:
    """Counts of one invocation: what was removed, and jobs that were put into the queue."""

    removed: Removed = field(default_factory=Removed)
    jobs: int = 0

    def add(self, removed: Removed) -> None:
        """Count what a job removed."""
        self.removed += removed

    def publish(self, service: str, namespace: str, failures: int) -> None:
        """Write a line in CloudWatch's embedded format; `failures` are records and messages that are to come again."""
        metrics = AmazonCloudWatchEMFProvider(namespace=namespace, service=service)
        metrics.add_metric("RowsRemoved", MetricUnit.Count, self.removed.rows)
        metrics.add_metric("ObjectsRemoved", MetricUnit.Count, self.removed.objects)
        metrics.add_metric("JobsQueued", MetricUnit.Count, self.jobs)
        metrics.add_metric("Failures", MetricUnit.Count, failures)
        metrics.flush_metrics()
