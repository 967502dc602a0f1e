"""The handlers behind the endpoints: `async (request, simulator) -> response`."""
