"""A user's rights to their data, and the law's: export, import, erasure, legal hold; every use is on record."""

from chatkit_aws.rights.service import DataRights
from chatkit_aws.rights.storage import Account, Storage

__all__ = ["Account", "DataRights", "Storage"]
