"""Links and data URIs that Runway accepts, and the type that a file's first bytes show."""

from __future__ import annotations

import base64
import io
import struct
import wave
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.requests.media import (
    EXTENSIONS,
    LONGEST_DATA_URI,
    BadMedia,
    InlineMedia,
    check_data_uri,
    check_media_uri,
    check_url,
    decode_data_uri,
    inline_types,
    input_type,
    is_address,
    is_data_uri,
    is_inline,
    normal_type,
    sniff,
    type_of_name,
)
from tarmac.requests.media import data_uri as written
from tests.fakes.samples import PNG, data_uri

GOOD_URLS = [
    "https://media.example.com/a.png",
    "HTTPS://MEDIA.EXAMPLE.COM/A.PNG",
    "https://media.example.com:8443/a.png?signature=a%20b&x=1#part",
    "https://bücher.example/katze.jpg",
    "https://xn--bcher-kva.example/katze.jpg",
    "https://a-b.c-d.example.co.uk/",
    "https://1.2.3.4.example.com/a.png",
    "https://media.example.com./a.png",
    "https://media.example.com/a@b.png",
]

BAD_URLS = {
    "plain http": "http://media.example.com/a.png",
    "another scheme": "ftp://media.example.com/a.png",
    "a file": "file:///etc/passwd",
    "no scheme": "media.example.com/a.png",
    "nothing": "",
    "a word": "image",
    "no host": "https:///a.png",
    "a name of this machine": "https://localhost/a.png",
    "a bare name": "https://intranet/a.png",
    "a user": "https://user@media.example.com/a.png",
    "a user and password": "https://user:secret@media.example.com/a.png",
    "an empty user": "https://@media.example.com/a.png",
    "a host hidden behind a user": "https://media.example.com:443@10.0.0.1/a.png",
    "a port out of range": "https://media.example.com:99999/a.png",
    "a port in words": "https://media.example.com:https/a.png",
    "a space": "https://media.example.com/a b.png",
    "a space before": " https://media.example.com/a.png",
    "a line break": "https://media.exam\nple.com/a.png",
    "a tab": "https://media.example.com/\ta.png",
    "a null": "https://media.example.com/\0a.png",
    "an unfinished address": "https://[::1/a.png",
    "a backslash, which browsers read as a slash": "https://127.0.0.1\\.example.com/a.png",
    "a percent sign in the host": "https://127.0.0.%31/a.png",
}

ADDRESSES = [
    "127.0.0.1",
    "8.8.8.8",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0X7F.1",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.0x1",
    "169.254.169.254",
    "0",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[fe80::1%25eth0]",
    "[2001:db8::1]",
    "１２７.0.0.１",
    "127.0.0.１",
    "127。0。0。1",
    "127.0.0.①",
]


@pytest.mark.parametrize("url", GOOD_URLS)
def test_an_https_url_with_a_public_name_is_taken(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize("url", BAD_URLS.values(), ids=BAD_URLS)
def test_any_other_link_is_rejected(url: str) -> None:
    with pytest.raises(BadMedia):
        check_url(url)


@pytest.mark.parametrize("host", ADDRESSES)
def test_an_address_is_rejected_in_every_spelling(host: str) -> None:
    with pytest.raises(BadMedia):
        check_url(f"https://{host}/a.png")


@pytest.mark.parametrize(
    "host", ["example.com", "a.1e100.net", "7up.example", "x7f.example", "1.2.3.4.in-addr.arpa", ""]
)
def test_a_name_is_not_taken_for_an_address(host: str) -> None:
    assert not is_address(host)


@pytest.mark.parametrize("host", ["::1", "[::1]", "fe80::1", "[2001:db8::a]", "1.2.3.4.", "example.0x7f."])
def test_an_address_is_one_without_its_brackets_and_dots(host: str) -> None:
    assert is_address(host)


REASONS = [
    ("https://[::1/a.png", "invalid URL"),
    ("https://media.example.com:99999/", "invalid URL"),
    ("http://media.example.com/", "a media link must be an https URL, a runway:// URI or a data URI"),
    ("https://user@media.example.com/", "a URL must not carry credentials"),
    ("https://:secret@media.example.com/", "a URL must not carry credentials"),
    ("https://media.example.com/a b", "a URL must not contain white space or backslashes"),
    ("https://media.example.com/a\\b", "a URL must not contain white space or backslashes"),
    ("https://media.example.com/\x1f", "a URL must not contain white space or backslashes"),
    ("https://127.0.0.1/", "a URL must have a public domain name, not an address"),
    ("https://intranet./", "a URL must have a public domain name, not an address"),
    ("https://localhost/", "a URL must have a public domain name, not an address"),
    ("https://a%2e.example.com/", "a URL must have a public domain name, not an address"),
    ("https:///a.png", "a URL must have a public domain name, not an address"),
    ("runway://", "a runway:// URI must have 13 to 5000 characters"),
    (
        "s3://bucket/a.png",
        "s3:// links are not accepted here; send an https URL, a runway:// URI or a data URI",
    ),
    ("data:image/png,abc", "a data URI must look like data:image/png;base64,…"),
    ("data:text/plain;base64,YQ==", "expected image or video, not text/plain"),
    ("data:image/x/y;base64,YQ==", "a data URI must look like data:image/png;base64,…"),
    ("data:image/gif;base64,YQ==", "image/gif is not supported"),
    ("data:image/svg+xml;base64,YQ==", "image/svg+xml is not supported"),
    ("data:audio/mpeg;base64,YQ==", "expected image or video, not audio/mpeg"),
]


@pytest.mark.parametrize(("value", "reason"), REASONS)
def test_a_rejected_link_or_data_uri_has_the_reason(value: str, reason: str) -> None:
    with pytest.raises(BadMedia) as rejected:
        check_media_uri(value, ("image", "video"))
    assert str(rejected.value) == reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("data:image/png", "a data URI must look like data:image/png;base64,…"),
        ("data:image/png;base64,A", "the data URI is not valid base64"),
        ("data:image/png;base64,éééé", "the data URI is not valid base64"),
        ("data:image/png;base64,", "the data URI is empty"),
    ],
)
def test_content_that_cannot_be_read_comes_back_with_the_reason(value: str, reason: str) -> None:
    with pytest.raises(BadMedia) as rejected:
        decode_data_uri(value)
    assert str(rejected.value) == reason


@pytest.mark.parametrize(
    ("value", "is_uri", "holds_a_file"),
    [
        ("data:image/png;base64,AAAA", True, True),
        ("DATA:image/png;base64,", True, True),
        ("data: shows a rising trend", True, False),
        ("dat:image/png;base64,AAAA", False, False),
        ("xdata:image/png;base64,AAAA", False, False),
        ("", False, False),
    ],
)
def test_text_that_begins_like_a_data_uri_is_not_a_file(value: str, is_uri: bool, holds_a_file: bool) -> None:
    assert is_data_uri(value) is is_uri
    assert is_inline(value) is holds_a_file


def test_every_spelling_that_a_data_uri_may_have_is_taken() -> None:
    assert inline_types(["image"]) == ["image/jpeg", "image/jpg", "image/png", "image/webp"]
    for kind in ("image", "video", "audio"):
        for content_type in inline_types([kind]):
            check_data_uri(data_uri(content_type=content_type), (kind,))
    assert inline_types([]) == []
    every = inline_types(["video", "image", "audio"])
    assert every == sorted(every)
    assert len(every) == sum(len(inline_types([kind])) for kind in ("image", "video", "audio"))
    assert {"audio/x-wav", "video/x-m4v", "video/ogg"} <= set(every)
    assert not {"image/svg+xml", "application/zip"} & set(every)


class TestInputType:
    MP4, OGG = b"\0\0\0\x20ftypisom\0\0\2\0", b"OggS\0\2\0\0"

    @pytest.mark.parametrize(
        ("head", "said", "kinds", "expected"),
        [
            (PNG[:64], "image/png", ("image",), "image/png"),
            (PNG[:64], "video/mp4", ("video", "image"), "image/png"),
            (PNG[:64], "", ("image",), "image/png"),
            (MP4, "video/mp4", ("video",), "video/mp4"),
            (MP4, "audio/x-m4a", ("audio",), "audio/mp4"),
            (MP4, "audio/mpeg", ("video",), "video/mp4"),
            (OGG, "video/ogg", ("video",), "video/ogg"),
            (OGG, "application/ogg", ("audio",), "audio/ogg"),
        ],
    )
    def test_follows_the_bytes_and_for_an_ambiguous_container_the_name(
        self, head: bytes, said: str, kinds: tuple[str, ...], expected: str
    ) -> None:
        assert input_type(head, said, kinds) == expected

    @pytest.mark.parametrize(
        ("head", "said", "kinds", "reason"),
        [
            (
                b"GIF89a",
                "image/png",
                ("image",),
                "the file is a GIF, which Runway does not support; send JPEG, PNG or WebP",
            ),
            (b"hello", "image/png", ("image",), "the file is not an image, video or audio file that Runway supports"),
            (
                b"PK\x03\x04",
                "image/png",
                ("image",),
                "the file is not an image, video or audio file that Runway supports",
            ),
            (
                b"<svg>",
                "image/svg+xml",
                ("image",),
                "the file is not an image, video or audio file that Runway supports",
            ),
            (PNG[:64], "image/png", ("video", "audio"), "expected video or audio, the file is image/png"),
            (MP4, "audio/mp4", ("video",), "expected video, the file is audio/mp4"),
        ],
    )
    def test_of_another_kind_is_rejected_with_the_reason(
        self, head: bytes, said: str, kinds: tuple[str, ...], reason: str
    ) -> None:
        with pytest.raises(BadMedia) as rejected:
            input_type(head, said, kinds)
        assert str(rejected.value) == reason


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_passes_in_any_number_of_parts(address: object) -> None:
    number = int(address)  # type: ignore[call-overload]
    first, second, rest = number >> 24, number >> 16 & 0xFF, number & 0xFFFF
    for host in (
        str(address),
        str(number),
        hex(number),
        f"{first}.{number & 0xFFFFFF}",
        f"{first:#o}.{second}.{rest:#x}",
    ):
        with pytest.raises(BadMedia):
            check_url(f"https://{host}/")


@given(st.text(max_size=60))
def test_any_text_is_a_valid_link_or_is_rejected(text: str) -> None:
    for value in (text, f"https://{text}", f"https://example.com/{text}"):
        try:
            check_media_uri(value, ("image",))
        except BadMedia:
            continue


@pytest.mark.parametrize(("length", "taken"), [(2047, True), (2048, True), (2049, False)])
def test_a_url_has_2048_characters_at_most(length: int, taken: bool) -> None:
    url = "https://media.example.com/".ljust(length, "a")
    if taken:
        check_url(url)
    else:
        with pytest.raises(BadMedia, match="2048"):
            check_url(url)


@pytest.mark.parametrize(("length", "taken"), [(12, False), (13, True), (5000, True), (5001, False)])
def test_a_runway_uri_has_13_to_5000_characters(length: int, taken: bool) -> None:
    uri = "runway://".ljust(length, "u")
    if taken:
        check_media_uri(uri, ("image",))
    else:
        with pytest.raises(BadMedia, match="5000"):
            check_media_uri(uri, ("image",))


def test_objects_are_named_by_tarmacs_own_entry_points_only() -> None:
    check_media_uri("s3://uploads/inbox/a.png", ("image",), s3_allowed=True)
    with pytest.raises(BadMedia, match="s3://"):
        check_media_uri("s3://uploads/inbox/a.png", ("image",))


class TestDataUri:
    @pytest.mark.parametrize("content_type", ["image/png", "image/jpeg", "image/jpg", "image/webp", "IMAGE/PNG"])
    def test_takes_the_images_that_runway_reads(self, content_type: str) -> None:
        uri = data_uri(content_type=content_type)
        check_media_uri(uri, ("image",))
        assert decode_data_uri(uri).content == PNG

    @pytest.mark.parametrize(
        "content_type", ["image/gif", "image/svg+xml", "image/tiff", "image/heic", "video/x-msvideo"]
    )
    def test_rejects_media_that_runway_does_not_read(self, content_type: str) -> None:
        with pytest.raises(BadMedia, match="supported"):
            check_data_uri(data_uri(content_type=content_type), ("image", "video"))

    @pytest.mark.parametrize("content_type", ["video/mp4", "audio/mpeg", "text/html", "application/zip"])
    def test_rejects_another_kind_and_names_the_expected_one(self, content_type: str) -> None:
        with pytest.raises(BadMedia, match="expected image"):
            check_data_uri(data_uri(content_type=content_type), ("image",))

    @pytest.mark.parametrize(
        "uri",
        [
            "data:",
            "data:,abc",
            "data:image/png,abc",
            "data:image/png;base64",
            "data:image;base64,AAAA",
            "data:;base64,AAAA",
            "data:image/png;charset;base64,AAAA",
            "data: image/png;base64,AAAA",
        ],
    )
    def test_rejects_what_is_not_base64_of_a_named_type(self, uri: str) -> None:
        with pytest.raises(BadMedia):
            check_data_uri(uri, ("image",))

    @pytest.mark.parametrize("content", ["", "A", "AAA", "AA=A", "AA A", "AAAA\n", "AA-_", "éééé", "AAAA, "])
    def test_rejects_content_that_is_not_exactly_base64(self, content: str) -> None:
        with pytest.raises(BadMedia):
            decode_data_uri(f"data:image/png;base64,{content}")

    @pytest.mark.parametrize("prefix", ["DATA:IMAGE/PNG;BASE64,", "data:image/png;charset=utf-8;name=a.png;base64,"])
    def test_is_read_in_any_case_and_with_parameters(self, prefix: str) -> None:
        uri = prefix + base64.b64encode(PNG).decode()
        check_media_uri(uri, ("image",))
        media = decode_data_uri(uri)
        assert (media.content_type, media.content) == ("image/png", PNG)

    @pytest.mark.parametrize(("more", "taken"), [(-1, True), (0, True), (1, False)])
    def test_has_five_mebibytes_of_characters_at_most(self, more: int, taken: bool) -> None:
        uri = "data:image/png;base64,".ljust(LONGEST_DATA_URI + more, "A")
        assert len(uri) == 5_242_880 + more
        if taken:
            check_data_uri(uri, ("image",))
        else:
            with pytest.raises(BadMedia, match="/v1/uploads"):
                check_data_uri(uri, ("image",))

    @given(st.binary(min_size=1, max_size=300), st.sampled_from(["image/png", "video/mp4"]))
    def test_is_written_as_it_is_read(self, content: bytes, content_type: str) -> None:
        media = InlineMedia(content_type, content)
        assert decode_data_uri(written(media)) == media

    @given(st.binary(min_size=1, max_size=300))
    def test_decodes_to_the_encoded_content(self, content: bytes) -> None:
        assert decode_data_uri(data_uri(content)).content == content


@pytest.mark.parametrize(
    ("spelling", "usual"),
    [
        ("image/jpg", "image/jpeg"),
        ("Image/PNG; charset=binary", "image/png"),
        (" video/x-m4v ", "video/mp4"),
        ("audio/x-wav", "audio/wav"),
        ("image/gif", "image/gif"),
        ("", ""),
    ],
)
def test_content_types_have_one_spelling(spelling: str, usual: str) -> None:
    assert normal_type(spelling) == usual


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("inbox/photo.jpg", "image/jpeg"),
        ("photo.JPEG", "image/jpeg"),
        ("a.b.WebP", "image/webp"),
        ("clip.mov", "video/quicktime"),
        ("photo", None),
        ("photo.gif", None),
        ("jpg/photo", None),
        ("jpg", None),
        ("", None),
    ],
)
def test_the_extension_of_a_name_gives_its_kind(name: str, expected: str | None) -> None:
    assert type_of_name(name) == expected


def _ftyp(brand: bytes) -> bytes:
    return b"\0\0\0\x20ftyp" + brand + b"\0\0\2\0isomiso2avc1mp41" + b"\0\0\0\x08free"


def _wav() -> bytes:
    held = io.BytesIO()
    with wave.open(held, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"\0\0" * 50)
    return held.getvalue()


def _zip() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("frame-0001.png", PNG)
    return held.getvalue()


def _ebml(kind: bytes) -> bytes:
    return (
        b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82" + bytes([0x80 + len(kind)]) + kind
    )


HEADS = {
    "png": (PNG, "image/png"),
    "jpeg, jfif": (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg"),
    "jpeg, exif": (b"\xff\xd8\xff\xe1\x1c\x45Exif\0", "image/jpeg"),
    "webp": (b"RIFF" + struct.pack("<I", 26) + b"WEBPVP8L", "image/webp"),
    "mp4, isom": (_ftyp(b"isom"), "video/mp4"),
    "mp4, mp42": (_ftyp(b"mp42"), "video/mp4"),
    "mp4, iso5 as ffmpeg fragments": (_ftyp(b"iso5"), "video/mp4"),
    "quicktime": (_ftyp(b"qt  "), "video/quicktime"),
    "3gpp": (_ftyp(b"3gp5"), "video/3gpp"),
    "m4a": (_ftyp(b"M4A "), "audio/mp4"),
    "m4b": (_ftyp(b"M4B "), "audio/mp4"),
    "webm": (_ebml(b"webm"), "video/webm"),
    "matroska": (_ebml(b"matroska"), "video/x-matroska"),
    "wav": (_wav(), "audio/wav"),
    "mp3 with tags": (b"ID3\x04\0\0\0\0\0\0", "audio/mpeg"),
    "mp3 without": (b"\xff\xfb\x90\x64\0\0", "audio/mpeg"),
    "aac": (b"\xff\xf1\x50\x80\0\x1f\xfc", "audio/aac"),
    "flac": (b"fLaC\0\0\0\x22", "audio/flac"),
    "ogg": (b"OggS\0\2\0\0", "audio/ogg"),
    "ogg with a film": (b"OggS\0\2\0\0\x80theora", "video/ogg"),
    "mp3, two bytes of it": (b"\xff\xfb", "audio/mpeg"),
    "zip": (_zip(), "application/zip"),
    "svg": (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">', "image/svg+xml"),
    "svg, bare": (b'\n  <svg width="1">', "image/svg+xml"),
}


@pytest.mark.parametrize(("head", "expected"), HEADS.values(), ids=HEADS)
def test_a_file_is_known_by_its_first_bytes(head: bytes, expected: str) -> None:
    assert sniff(head[:64]) == expected
    assert expected in EXTENSIONS


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xff",
        b"<!DOCTYPE html><html>",
        b'{"error": "expired"}',
        b"<Error><Code>AccessDenied</Code>",
        b"GIF89a\1\0\1\0",
        b"%PDF-1.7",
        b"RIFF\x10\0\0\0AVI LIST",
        b"MZ\x90\0",
        b"\x7fELF",
        b"PK\x05\x06",
    ],
)
def test_anything_else_is_not_archived(head: bytes) -> None:
    assert sniff(head) is None


def test_an_xml_error_page_is_not_a_picture() -> None:
    page = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>SlowDown</Code><Message>Reduce'
    assert sniff(page[:64]) is None


@given(st.binary(max_size=64))
def test_sniffing_any_bytes_gives_a_type_that_can_be_stored_or_none(head: bytes) -> None:
    assert sniff(head) in {None, *EXTENSIONS}
