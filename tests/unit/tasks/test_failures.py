"""Which failure codes are retried: known codes of Runway, and unknown ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.tasks.failures import is_retryable

RETRYABLE = [
    None,
    "",
    "INTERNAL",
    "INTERNAL.BAD_OUTPUT",
    "INTERNAL.BAD_OUTPUT.01",
    "INTERNAL.BAD_OUTPUT.CODE01",
    "INTERNAL.SOMETHING_NEW",
    "internal.bad_output.01",
    "THIRD_PARTY",
    "THIRD_PARTY.UNAVAILABLE",
    "INPUT_PREPROCESSING.INTERNAL",
]
FINAL = [
    "SAFETY",
    "SAFETY.INPUT.TEXT",
    "SAFETY.INPUT.IMAGE",
    "SAFETY.OUTPUT.VIDEO",
    "SAFETY.OUTPUT",
    "INPUT_PREPROCESSING.SAFETY.TEXT",
    "THIRD_PARTY.SAFETY",
    "INTERNAL.SAFETY",
    "safety.input.text",
    "ASSET",
    "ASSET.INVALID",
    "INPUT_PREPROCESSING",
    "INPUT_PREPROCESSING.TIMEOUT",
    "INTERNALS",
    "INTERNAL_ERROR",
    "THIRD_PARTYING.UNAVAILABLE",
    "A_CODE.OF_TOMORROW",
    "TARMAC.AMBIGUOUS",
    ".INTERNAL",
    " ",
]


@pytest.mark.parametrize("code", RETRYABLE)
def test_errors_of_runway_are_retryable(code: str | None) -> None:
    assert is_retryable(code)


@pytest.mark.parametrize("code", FINAL)
def test_moderation_bad_inputs_and_unknown_codes_are_final(code: str) -> None:
    assert not is_retryable(code)


@given(
    st.lists(st.sampled_from(["INTERNAL", "THIRD_PARTY", "BAD_OUTPUT", "INPUT_PREPROCESSING", "X"]), max_size=4),
    st.integers(0, 4),
)
def test_no_code_with_a_safety_segment_is_retryable(segments: list[str], place: int) -> None:
    segments.insert(min(place, len(segments)), "SAFETY")
    assert not is_retryable(".".join(segments))
