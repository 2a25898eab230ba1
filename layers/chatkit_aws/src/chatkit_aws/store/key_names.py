"""Which KMS key a tenant's data keys are wrapped with."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLACEHOLDER = "{tenant}"
_NOT_KEPT = re.compile(r"[^A-Za-z0-9-]")


@dataclass(frozen=True, slots=True)
class KeyNames:
    """Names made of `pattern`: `alias/chatkit-{tenant}`, or without the placeholder one key for all tenants."""

    pattern: str

    def of(self, tenant: str) -> str:
        """The name of the tenant's key. Where the pattern has the placeholder, no two tenants have the same."""
        return self.pattern.replace(_PLACEHOLDER, encode(tenant))


def encode(tenant: str) -> str:
    """`tenant` in letters, digits, `-` and `_`, which an alias of KMS may have; what else there is becomes `_XX`.

    XX is a byte of UTF-8 in hexadecimal. `_` itself is written so too, hence no two tenants become the same.
    """
    return _NOT_KEPT.sub(lambda found: "".join(f"_{byte:02X}" for byte in found.group().encode()), tenant)
