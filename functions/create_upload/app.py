"""POST /v1/uploads: a slot for one file, in Runway's own protocol."""

from __future__ import annotations

from tarmac.aws.wiring import AwsEffects
from tarmac.http.api import Answer, ApiRequest, api_handler
from tarmac.media.create_upload import create_upload
from tarmac.requests.contract import CreateUpload, parse_body
from tarmac.requests.validation import InvalidRequest
from tarmac.settings import CreateUploadSettings

effects = AwsEffects(CreateUploadSettings.from_environment())


@api_handler
def handler(request: ApiRequest) -> Answer:
    """`{filename, type: "ephemeral"}` in; 200 `{uploadUrl, fields, runwayUri, uri}` out."""
    client = request.client("uploads")
    wanted = parse_body(CreateUpload, request.json_body())
    if isinstance(wanted, list):
        raise InvalidRequest(wanted)
    slot = create_upload(wanted.filename, client, effects)
    form = {"uploadUrl": slot.form.url, "fields": dict(slot.form.fields)}
    return Answer(200, form | {"runwayUri": slot.uri, "uri": slot.uri})
