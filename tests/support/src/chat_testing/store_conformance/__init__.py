"""What every ChatKit store must do, whatever it stores in: subclass, give it a store, and run it.

The behaviours are those that the SDK's server relies on, with the outcomes that its own store has, and beside them
those that a store for many users needs: nothing shared, any id and limit that a client may send, nothing back from
deletion.
"""

from chat_testing.store_conformance.attachments import AttachmentsConformance
from chat_testing.store_conformance.isolation import IsolationConformance
from chat_testing.store_conformance.items import ItemsConformance
from chat_testing.store_conformance.threads import ThreadsConformance


class StoreConformance(ThreadsConformance, ItemsConformance, AttachmentsConformance, IsolationConformance):
    """The suite; a subclass has a fixture `store` that gives an empty store."""
