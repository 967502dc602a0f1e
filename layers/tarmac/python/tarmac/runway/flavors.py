"""Differences between upstreams: Runway itself, and resellers that offer a part of its API.

`shapes` handles the differences of their responses; the catalogue has their other names of models. All of them accept
a bearer key and `X-Runway-Version`.
"""

from __future__ import annotations

from dataclasses import dataclass


class NotOffered(Exception):
    """The upstream of this deployment does not offer the operation; the message is for the caller."""


@dataclass(frozen=True, slots=True)
class Flavor:
    """One kind of upstream.

    takes_uploads: whether it accepts uploads. Otherwise it reads inputs through https links into Tarmac's bucket.
    can_cancel: whether it has DELETE /v1/tasks/{id}. Otherwise a cancelled generation keeps running.
    lacks: prefixes of the operations that it does not offer. It validates all others itself.
    """

    name: str
    takes_uploads: bool = True
    can_cancel: bool = True
    lacks: tuple[str, ...] = ()

    def check_offers(self, operation: str) -> None:
        """Raises NotOffered."""
        if operation.startswith(self.lacks):
            raise NotOffered(f"{self.name}, which this deployment uses, does not offer {operation}")


RUNWAY = Flavor("Runway")
COMETAPI = Flavor(
    # Source: apidoc.cometapi.com, which describes creates and GET /v1/tasks/{id}, with https URLs as media.
    "CometAPI",
    takes_uploads=False,
    can_cancel=False,
    lacks=("avatar_videos", "generate/", "recipes/", "workflows/"),
)

FLAVORS = {"runway": RUNWAY, "cometapi": COMETAPI}
"""Value of the template's parameter `UpstreamFlavor` → upstream."""
