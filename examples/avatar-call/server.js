/**
 * The part that a browser must not have: it knows a Tarmac client key and mints client tokens with it.
 *
 * In your application this is one route of your own server, behind your own log-in. Here Vite's server plays that part.
 *
 * TARMAC_API_URL, TARMAC_API_KEY: a stack on AWS. Without them, the local stack that `make up` has started.
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
    throw new Error("No local stack: run `make up`, or set TARMAC_API_URL and TARMAC_API_KEY");
  }
}

async function mint(request) {
  const { avatarId } = JSON.parse(await text(request));
  const { apiUrl, apiKey } = stack(process.env);
  const response = await fetch(`${apiUrl}/v1/client_tokens`, {
    method: "POST",
    headers: { Authorization: `Bearer ${apiKey}`, "Content-Type": "application/json" },
    body: JSON.stringify({ avatarId, origin: request.headers.origin }),
  });
  const answer = await response.json();
  return response.ok
    ? { status: 200, body: { connectUrl: answer.connectUrl } }
    : { status: response.status, body: { error: answer.error ?? answer.message } };
}

async function text(request) {
  let all = "";
  for await (const part of request) all += part;
  return all;
}

async function answer(request, response, next) {
  if (request.method !== "POST") return next();
  const { status, body } = await mint(request).catch((error) => ({ status: 500, body: { error: error.message } }));
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(body));
}

/** A Vite plugin: `POST /connect-url` `{"avatarId"}` → `{"connectUrl"}`. */
export function connectUrlRoute() {
  const serve = (server) => void server.middlewares.use("/connect-url", answer);
  return { name: "connect-url", configureServer: serve, configurePreviewServer: serve };
}
