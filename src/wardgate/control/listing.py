"""What a document says of an API beside its revision, and what holds of it: from the one to the other."""

from __future__ import annotations

from dataclasses import replace

from wardgate.control.ports_apis import ApiRecord
from wardgate.domain.document import Listing
from wardgate.domain.instant import sayable
from wardgate.domain.standing import Catalogue, Lifecycle, Standing

_STANDING, _CATALOGUE = Standing(), Catalogue()


def listing_of(record: ApiRecord) -> Listing:
    """All that differs from what holds for an API nothing was said of."""
    standing, catalogue = record.standing, record.catalogue
    return Listing(
        lifecycle=standing.lifecycle if standing.lifecycle != _STANDING.lifecycle else None,
        sunset_at=None if standing.sunset_at is None else sayable(standing.sunset_at),
        successor=standing.successor or None,
        visibility=catalogue.visibility if catalogue.visibility != _CATALOGUE.visibility else None,
        groups=catalogue.groups or None,
        project=catalogue.project if catalogue.project != _CATALOGUE.project else None,
        tags=catalogue.tags or None,
        docs=catalogue.docs or None,
        contact=catalogue.contact or None,
        description=catalogue.description or None,
    )


def merged_listing(record: ApiRecord, said: Listing) -> Listing:
    """What holds once ``said`` does: what it does not name stays. In the form of :func:`listing_of`."""
    return listing_of(listed(record, said, record.standing.deprecated_at or 0.0))


def settled(record: ApiRecord, whole: Listing, now: float) -> ApiRecord:
    """The record once ``whole`` holds, in the form of :func:`listing_of`: what it does not name is as usual."""
    usual = ApiRecord(api=record.api, standing=Standing(deprecated_at=record.standing.deprecated_at))
    return listed(usual, whole, now)


def listed(record: ApiRecord, said: Listing, now: float) -> ApiRecord:
    """The record once ``said`` holds: what is deprecated by it is so from ``now`` on."""
    standing, catalogue = record.standing, record.catalogue
    names = ("visibility", "groups", "project", "tags", "docs", "contact", "description")
    named = {name: getattr(said, name) for name in names if getattr(said, name) is not None}
    lifecycle = said.lifecycle or standing.lifecycle
    standing = replace(
        standing,
        lifecycle=lifecycle,
        deprecated_at=deprecated_at(standing, lifecycle, now),
        sunset_at=standing.sunset_at if said.sunset_at is None else said.sunset_at,
        successor=standing.successor if said.successor is None else said.successor,
    )
    if lifecycle in ("created", "published"):
        standing = replace(standing, sunset_at=None, successor="")
    return replace(record, standing=standing, catalogue=replace(catalogue, **named))


def deprecated_at(standing: Standing, lifecycle: Lifecycle, now: float) -> float | None:
    """Since when an API is deprecated whose life cycle becomes this."""
    if lifecycle in ("created", "published"):
        return None
    return now if standing.deprecated_at is None else standing.deprecated_at
