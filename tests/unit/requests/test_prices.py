"""Estimates by each keyword of a price, rounded up, and none if a value is unknown."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.requests.prices import estimate_credits

PER_SECOND = {"perSecond": 12}

PRICES: list[tuple[dict[str, Any], dict[str, Any] | None, int | None]] = [
    ({}, None, None),
    ({}, {}, None),
    ({}, {"flat": 7}, 7),
    ({}, {"flat": 0.1}, 1),
    ({}, {"perImage": 4}, 4),
    ({"outputCount": 3}, {"perImage": 4}, 12),
    ({"outputCount": 0}, {"perImage": 4}, 4),
    ({"outputCount": True}, {"perImage": 2}, 2),
    ({"outputCount": "3"}, {"perImage": 4}, 4),
    ({"promptText": "x" * 50}, {"charactersPerCredit": 50}, 1),
    ({"promptText": "x" * 51}, {"charactersPerCredit": 50}, 2),
    ({"promptText": ""}, {"charactersPerCredit": 50}, 0),
    ({"promptText": 5}, {"charactersPerCredit": 50}, None),
    ({}, {"charactersPerCredit": 50}, None),
    ({"duration": 5}, PER_SECOND, 60),
    ({"duration": 2.5}, PER_SECOND, 30),
    ({"duration": 0}, PER_SECOND, 0),
    ({}, PER_SECOND, None),
    ({"duration": 30}, {"perSecond": 0.1}, 3),
    ({"duration": 5}, {}, None),
    ({"duration": 10}, {"secondsPerCredit": 3}, 4),
    ({"duration": 5}, {"perSecond": 12, "plusPerSecond": 5}, 85),
    ({"duration": 5}, {"perSecond": 40, "perSecondSilent": 20}, 200),
    ({"duration": 5, "audio": True}, {"perSecond": 40, "perSecondSilent": 20}, 200),
    ({"duration": 5, "audio": False}, {"perSecond": 40, "perSecondSilent": 20}, 100),
    ({"duration": 5, "audio": False}, {"perSecond": 40}, 200),
    ({"duration": 5, "audio": False}, {"perSecond": 40, "perSecondSilent": 20, "plusPerSecond": 1}, 105),
    ({"duration": 5}, {"perSecond": 10, "perInputSecond": 4, "inputSeconds": 30}, 170),
    ({"duration": 5}, {"perSecond": 10, "perInputSecond": 4}, 50),
    ({"duration": 5}, {"perSecond": 10, "inputSeconds": 30}, 50),
    ({}, {"perSecond": 2, "secondsIfUnset": 4}, 8),
    ({"duration": 3}, {"perSecond": 2, "secondsIfUnset": 4}, 6),
    ({"duration": "auto"}, {"perSecond": 2, "secondsIfUnset": 4}, 8),
    ({"duration": "auto"}, {"perSecond": 2, "secondsIfUnset": 4, "secondsIfAuto": 9}, 18),
    ({"duration": "AUTO"}, {"perSecond": 2, "secondsIfUnset": 4, "secondsIfAuto": 9}, 8),
    ({}, {"perSecond": 2, "secondsIfAuto": 9}, None),
    ({"duration": 1}, {"perSecond": 1, "minimum": 80}, 80),
    ({"duration": 90}, {"perSecond": 1, "minimum": 80}, 90),
    ({"duration": 9}, {"perSecond": 1, "minimum": 8, "cases": [{"given": ["duration"], "minimum": 9.5}]}, 10),
    ({}, {"minimum": 5, "perSecond": 0.25}, None),
    ({}, {"perFrame": 1.2, "confidence": "low"}, None),
    ({"duration": 5, "hd": True}, {"perSecond": 1, "cases": [{"when": {"hd": [True]}, "perSecond": 3}]}, 15),
    ({"duration": 5}, {"perSecond": 1, "cases": [{"when": {"hd": [True]}, "perSecond": 3}]}, 5),
    ({"a": 1, "b": 1}, {"flat": 1, "cases": [{"given": ["a"], "flat": 2}, {"given": ["b"], "flat": 3}]}, 3),
    ({"a": 1}, {"flat": 1, "cases": [{"given": ["a"], "unknown": True}]}, None),
    ({}, {"flat": 1, "unknown": True}, None),
    ({}, {"flat": 1, "unknown": False}, 1),
    ({"duration": 1_000_000}, {"perSecond": 1}, 1_000_000),
    ({"duration": 1_000_001}, {"perSecond": 1}, None),
    ({"duration": -1}, {"perSecond": 1}, None),
    ({"duration": True}, {"perSecond": 1}, None),
    ({"duration": math.nan}, {"perSecond": 1}, None),
    ({"duration": math.nan}, {"perSecond": 1, "secondsIfUnset": 6}, 6),
]  # fmt: skip


@pytest.mark.parametrize(("body", "price", "credits"), PRICES)
def test_a_request_costs_its_price(body: dict[str, Any], price: dict[str, Any] | None, credits: int | None) -> None:
    found = estimate_credits(body, price)
    assert found == credits
    assert type(found) is type(credits)


def test_a_price_is_not_changed_by_its_cases() -> None:
    price = {"flat": 1, "cases": [{"given": ["a"], "flat": 2}]}
    assert (estimate_credits({"a": 1}, price), estimate_credits({}, price)) == (2, 1)


@given(st.integers(0, 1_000_000), st.integers(1, 1000))
def test_an_estimate_is_never_below_the_price_nor_a_credit_above_it(thousandths: int, seconds: int) -> None:
    estimate = estimate_credits({"duration": seconds}, {"perSecond": thousandths / 1000})
    assert estimate is not None
    assert 0 <= estimate * 1000 - thousandths * seconds < 1000
