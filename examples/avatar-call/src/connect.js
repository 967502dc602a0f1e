/**
 * Ask our own server for a place to connect to. The server has Tarmac's key (see server.js); what comes back works for
 * one call from this origin within minutes.
 */
export async function newConnectUrl(avatarId) {
  const response = await fetch("/connect-url", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ avatarId }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer.connectUrl;
}

/** The words in the body of Tarmac's answer, which the SDK reports as `Failed to connect: <status> <body>`. */
export function messageOf(error) {
  const body = error.message.match(/^Failed to connect: \d+ (\{.*\})$/s)?.[1];
  try {
    return JSON.parse(body).error ?? error.message;
  } catch {
    return error.message;
  }
}
