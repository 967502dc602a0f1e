"""Keys of the inbox: form, preset and pair, in any case and any Unicode form."""

from __future__ import annotations

import unicodedata

import pytest

from tarmac.inbox.keys import Form, failed_key, form_of, is_older, pair_part, preset_names
from tarmac.media.source_metadata import source_metadata


@pytest.mark.parametrize(
    ("key", "form"),
    [
        ("inbox/a.png", Form.MEDIA),
        ("inbox/a", Form.MEDIA),
        ("inbox/x.json/a.PNG", Form.MEDIA),
        ("inbox/a.JSON", Form.REQUEST),
        ("inbox/deep/er/a.JsonL", Form.LINES),
        ("inbox/a.b.CSV", Form.TABLE),
        ("inbox/folder/", Form.IGNORED),
        ("inbox/", Form.IGNORED),
        ("presets/warm.json", Form.PRESET),
        ("presets/", Form.IGNORED),
        ("failed/inbox/a.json", Form.IGNORED),
        ("batches/1/requests.jsonl", Form.IGNORED),
    ],
)
def test_the_form_follows_from_the_key(key: str, form: Form) -> None:
    assert form_of(key) is form


def test_the_first_folder_names_the_preset_in_any_unicode_form() -> None:
    assert preset_names("inbox/a.png") == ()
    assert preset_names("inbox//a.png") == ()
    assert preset_names("inbox/warm light/b/c.png") == ("warm light",)
    as_on_a_mac = unicodedata.normalize("NFD", "Wüste")
    assert preset_names(f"inbox/{as_on_a_mac}/a.png") == (as_on_a_mac, "Wüste")
    assert preset_names("inbox/Wüste/a.png") == ("Wüste", as_on_a_mac)


def test_halves_with_one_name_in_one_folder_are_a_pair() -> None:
    character, reference = pair_part("inbox/a/take 1.Character.PNG"), pair_part("inbox/a/take 1.reference.mp4")
    assert character is not None
    assert reference is not None
    assert character.pair == reference.pair
    assert (character.part, character.other, reference.part) == ("character", "reference", "reference")
    elsewhere = pair_part("inbox/b/take 1.reference.mp4")
    assert elsewhere is not None
    assert elsewhere.pair != reference.pair


@pytest.mark.parametrize(
    "name", ["take1.png", "character.png", ".character.png", "take1.characters.png", "take1.character"]
)
def test_other_names_are_not_halves(name: str) -> None:
    assert pair_part(f"inbox/{name}") is None


def test_sequencers_are_compared_as_numbers_of_any_length() -> None:
    assert is_older("0055AED6DCD90281E5", "0055AED6DCD90281E6")
    assert is_older("FF", "100")
    assert not is_older("100", "0ff")
    assert not is_older("0A", "a")


def test_the_key_of_a_rejection_report_contains_the_objects_key_up_to_the_limit() -> None:
    assert failed_key("inbox/Café.png") == "failed/inbox/Café.png.json"
    long, longer = "inbox/" + "é" * 508, "inbox/" + "é" * 508 + "x"
    assert len({failed_key(long), failed_key(longer)}) == 2
    assert all(len(failed_key(key).encode()) <= 1024 for key in (long, longer))


def test_an_outputs_metadata_names_its_source_url_encoded_unless_too_long() -> None:
    source = {"kind": "s3", "bucket": "b", "key": "inbox/Café + 1.png", "versionId": "v1"}
    assert source_metadata(source) == {"tarmac-source": "s3://b/inbox/Caf%C3%A9%20%2B%201.png?versionId=v1"}
    assert source_metadata({"kind": "api"}) == {}
    line: dict[str, str | int] = {"kind": "batch", "bucket": "b", "key": "inbox/a.csv", "batch": "id", "line": 7}
    assert source_metadata(line) == {"tarmac-source": "s3://b/inbox/a.csv", "tarmac-batch": "id", "tarmac-line": "7"}
    # S3 rejects objects with more than 2 KB of metadata.
    assert source_metadata(source | {"key": "字" * 340}) == {}
