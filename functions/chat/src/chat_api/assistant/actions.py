"""What happens when a widget is used, by the type of its action. There are no widgets yet.

An action streams events as an answer does; one at once gives back the changed item, for which the widget waits.
Both are stored before they are seen.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from chatkit.actions import Action
from chatkit.types import SyncCustomActionResponse, ThreadMetadata, ThreadStreamEvent, WidgetItem

from chatkit_aws.context import RequestContext

type Act = Callable[
    [ThreadMetadata, Action[str, Any], WidgetItem | None, RequestContext], AsyncIterator[ThreadStreamEvent]
]
"""Carries out an action; raises CustomStreamError with what the user is to be told."""
type ActAtOnce = Callable[
    [ThreadMetadata, Action[str, Any], WidgetItem | None, RequestContext], Awaitable[SyncCustomActionResponse]
]
"""Carries out an action for which the widget waits."""

ACTIONS: Mapping[str, Act] = {}
ACTIONS_AT_ONCE: Mapping[str, ActAtOnce] = {}
