"""What upstreams differ in. Runway is one; resellers speak its API, or the part of it that they offer.

How their answers differ stands in `shapes`, and other names of their models in the catalogue. A key is a bearer and
`X-Runway-Version` is taken everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass


class NotOffered(Exception):
    """The upstream of this deployment has no such operation; the message is meant for the caller."""


@dataclass(frozen=True, slots=True)
class Flavor:
    """One kind of upstream.

    takes_uploads: whether an input may be uploaded there. Otherwise it is read from an https link into Tarmac's bucket.
    can_cancel: whether it has DELETE /v1/tasks/{id}. Otherwise a generation that nobody wants any more runs on.
    lacks: how the names of operations begin that it does not offer. Of others the upstream itself is the judge.
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
    # Its documentation (apidoc.cometapi.com) describes creates and GET /v1/tasks/{id}, with https URLs as media.
    "CometAPI",
    takes_uploads=False,
    can_cancel=False,
    lacks=("avatar_videos", "generate/", "recipes/", "workflows/"),
)

FLAVORS = {"runway": RUNWAY, "cometapi": COMETAPI}
"""By the values of the template's parameter UpstreamFlavor."""
