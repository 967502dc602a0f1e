"""Bodies of strangers: an object, or a reason why not; never another exception."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tarmac.requests.strict_json import MAX_DEPTH, BadJson, loads

MALFORMED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "empty"),
    "white space": (b" \r\n\t", "empty"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "not JSON"),
    "half an object": (b'{"a":', "not JSON"),
    "two objects": (b"{}{}", "not JSON"),
    "single quotes": (b"{'a':1}", "not JSON"),
    "a comment": (b'{"a":1/* one */}', "not JSON"),
    "a trailing comma": (b'{"a":1,}', "not JSON"),
    "a bare word": (b"model", "not JSON"),
    "a form": (b"model=gen4.5&ratio=1280%3A720", "not JSON"),
    "a leading zero": (b'{"a":01}', "not JSON"),
    "a hexadecimal number": (b'{"a":0x1}', "not JSON"),
    "a raw line break in a string": (b'{"a":"x\ny"}', "not JSON"),
    "a wrong escape": (b'{"a":"\\x41"}', "not JSON"),
    "a list": (b"[]", "must be a JSON object"),
    "a string": (b'"{}"', "must be a JSON object"),
    "a number": (b"1", "must be a JSON object"),
    "null": (b"null", "must be a JSON object"),
    "not UTF-8": (b'{"a":"\xff"}', "not UTF-8"),
    "UTF-16": ('{"a":1}'.encode("utf-16"), "not UTF-8"),
    "an overlong encoding": (b'{"a":"\xc0\xaf"}', "not UTF-8"),
    "a surrogate in UTF-8": (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
    "NaN": (b'{"a":NaN}', "NaN is not"),
    "infinity": (b'{"a":Infinity}', "Infinity is not"),
    "minus infinity": (b'{"a":[-Infinity]}', "-Infinity is not"),
    "a number beyond floats": (b'{"a":1e999}', "too large"),
    "one below": (b'{"a":-1e999}', "too large"),
    "5,000 digits": (b'{"a":' + b"9" * 5000 + b"}", "5000 digits"),
    "41 digits": (b'{"a":' + b"9" * 41 + b"}", "41 digits"),
    "many decimals": (b'{"a":0.' + b"1" * 5000 + b"}", "too large"),
    "a key twice": (b'{"a":1,"a":1}', 'key "a" twice'),
    "a key twice, deep": (b'{"x":[{"a":1,"b":2,"a":3}]}', 'key "a" twice'),
    "a key twice, once escaped": (b'{"a":1,"\\u0061":2}', 'key "a" twice'),
    "a lone surrogate": (b'{"a":"\\ud800"}', "surrogate"),
    "a lone surrogate in a list": (b'{"a":[["\\udfff"]]}', "surrogate"),
    "a lone surrogate as a key": (b'{"\\ud83c":1}', "surrogate"),
    "surrogates in the wrong order": (b'{"a":"\\udf89\\ud83c"}', "surrogate"),
    "one level too deep": (b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH, "nested deeper"),
    "lists one level too deep": (b'{"a":' + b"[" * MAX_DEPTH + b"1" + b"]" * MAX_DEPTH + b"}", "nested deeper"),
    "100,000 lists": (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested deeper"),
    "100,000 objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested deeper"),
    "100,000 unclosed": (b"[" * 100_000, ""),
}


@pytest.mark.parametrize(("body", "reason"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_body_is_rejected_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(BadJson) as caught:
        loads(body)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 200


GOOD: dict[str, tuple[bytes, object]] = {
    "an empty object": (b"{}", {}),
    "white space around": (b' \n{"a": 1}\r\n', {"a": 1}),
    "a pair of surrogates, which is a character": (b'{"a":"\\ud83c\\udfac"}', {"a": "🎬"}),
    "the same key in two objects": (b'{"a":{"x":1},"b":{"x":1}}', {"a": {"x": 1}, "b": {"x": 1}}),
    "40 digits": (b'{"a":' + b"9" * 40 + b"}", {"a": int("9" * 40)}),
    "a tiny number": (b'{"a":1e-999}', {"a": 0.0}),
    "an escaped null": (b'{"a":"\\u0000"}', {"a": "\0"}),
}


@pytest.mark.parametrize(("body", "expected"), GOOD.values(), ids=GOOD)
def test_json_is_read_as_it_is_meant(body: bytes, expected: object) -> None:
    assert loads(body) == expected


def test_the_deepest_body_is_read() -> None:
    depth = MAX_DEPTH - 1
    assert loads(b'{"a":' * depth + b"1" + b"}" * depth)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), values, max_size=5), st.booleans())
def test_what_json_wrote_is_read_back(value: dict[str, object], escaped: bool) -> None:
    assert loads(json.dumps(value, ensure_ascii=escaped).encode()) == value


@given(st.binary(max_size=80))
@example(b'{"a":' + b"[" * 3000)
def test_any_bytes_are_an_object_or_rejected(body: bytes) -> None:
    try:
        assert isinstance(loads(body), dict)
    except BadJson:
        return


@given(st.text(alphabet='{}[]",:\\ud8e1-.+NaI\x00 n', max_size=60))
def test_any_text_similar_to_json_is_an_object_or_rejected(text: str) -> None:
    try:
        assert isinstance(loads(text.encode()), dict)
    except BadJson:
        return
