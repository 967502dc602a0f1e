"""The domains of AWS's partitions. Source: botocore's partitions.json; a test compares them."""

from __future__ import annotations

COMMERCIAL = "amazonaws.com"
"""Of the partitions `aws` and `aws-us-gov`."""

_OTHERS = {
    "cn": "amazonaws.com.cn",
    "eusc": "amazonaws.eu",
    "eu-isoe": "cloud.adc-e.uk",
    "us-iso": "c2s.ic.gov",
    "us-isob": "sc2s.sgov.gov",
    "us-isof": "csp.hci.ic.gov",
}
"""By the first part of the names of their regions."""

DNS_SUFFIXES = (COMMERCIAL, *_OTHERS.values())


def dns_suffix(region: str) -> str:
    """The domain of a region's endpoints."""
    for prefix, suffix in _OTHERS.items():
        if region.startswith(f"{prefix}-"):
            return suffix
    return COMMERCIAL
