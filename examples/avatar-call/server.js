/**
 * The server's part: it has a Tarmac client key, which the browser must not have, and creates client tokens with it.
 *
 * In your application this is a route of your own server, behind your own login. In this example, Vite's server has it.
 *
 * TARMAC_API_URL, TARMAC_API_KEY: a stack on AWS. Without them, the local stack of `make up` is used.
 */
import { readFileSync } from "node:fs";

const LOCAL_STACK = new URL("../../.local/stack.json", import.meta.url);

function stack(environment) {
  const { TARMAC_API_URL: apiUrl, TARMAC_API_KEY: apiKey } = environment;
  if (apiUrl && apiKey) return { apiUrl, apiKey };
  if (apiUrl || apiKey) throw new Error("Set both TARMAC_API_URL and TARMAC_API_KEY, or neither");
  try {
    return JSON.parse(readFileSync(LOCAL_STACK, "utf8"));
  } catch {
    throw new Error("Local stack not found. Run `make up`, or set TARMAC_API_URL and TARMAC_API_KEY");
  }
}

async function createToken(request) {
  const { avatarId } = JSON.parse(await bodyOf(request));
  const { apiUrl, apiKey } = stack(process.env);
  const response = await fetch(`${apiUrl}/v1/client_tokens`, {
    method: "POST",
    headers: { Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" },
    body: JSON.stringify({ avatarId, origin: request.headers.origin }),
  });
  const body = await response.json();
  return response.ok
    ? { status: 200, body: { connectUrl: body.connectUrl } }
    : { status: response.status, body: { error: body.error ?? body.message } };
}

async function bodyOf(request) {
  let all = "";
  for await (const part of request) all += part;
  return all;
}

async function respond(request, response, next) {
  if (request.method !== "POST") return next();
  const { status, body } = await createToken(request).catch((error) => ({ status: 500, body: { error: error.message } }));
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(body));
}

/** Returns a Vite plugin with the route `POST /connect-url`: `{"avatarId"}` → `{"connectUrl"}`. */
export function connectUrlRoute() {
  const serve = (server) => void server.middlewares.use("/connect-url", respond);
  return { name: "connect-url", configureServer: serve, configurePreviewServer: serve };
}
