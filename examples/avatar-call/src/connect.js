/**
 * Returns a new URL to connect to, from our own server, which has the client key (see server.js). It works for one call
 * from this origin and expires after five minutes.
 */
export async function newConnectUrl(avatarId) {
  const response = await fetch("/connect-url", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ avatarId }),
  });
  const body = await response.json();
  if (!response.ok) throw new Error(body.error);
  return body.connectUrl;
}

/** Returns the error message of Tarmac's response, which the SDK reports as `Failed to connect: <status> <body>`. */
export function messageOf(error) {
  const body = error.message.match(/^Failed to connect: \d+ (\{.*\})$/s)?.[1];
  try {
    return JSON.parse(body).error ?? error.message;
  } catch {
    return error.message;
  }
}
