// What the tests use: the plan that __main__.py has written, the SDK, and Runway's side of the stack.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import RunwayML from '@runwayml/sdk';

export const plan = JSON.parse(readFileSync(process.env.CONFORMANCE_PLAN, 'utf8'));

/** The SDK with the run's key. */
export const newClient = (options = {}) => new RunwayML({ baseURL: plan.baseUrl, apiKey: plan.apiKey, ...options });

/** `organization.webapp.list_usage`, as plans and Python spell it → `organization.webapp.listUsage` */
export const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

/** A method of a resource by its name. */
export function resolve(client, method) {
  const names = method.split('.');
  const last = names.pop();
  const resource = names.reduce((node, name) => node[name], client);
  return (...given) => resource[last](...given);
}

/** The SDK, called by the names of its methods; `called` records them. */
export function recording(client) {
  const called = new Set();
  const sdk = (method, ...given) => {
    called.add(method);
    return resolve(client, method)(...given);
  };
  return Object.assign(sdk, { called });
}

/** The names of all methods of all resources that the installed SDK has. */
export function methods(node, prefix = '') {
  const resources = Object.entries(node).filter(([name, value]) => !name.startsWith('_') && value?._client);
  // The client's own methods (`post`, …) belong to no resource.
  const own = prefix ? Object.getOwnPropertyNames(Object.getPrototypeOf(node)) : [];
  return [
    ...own.filter((name) => name !== 'constructor').map((name) => prefix + name),
    ...resources.flatMap(([name, value]) => methods(value, `${prefix}${name}.`)),
  ];
}

/** What a link leads to. */
export async function file(link) {
  const answer = await fetch(link);
  if (!answer.ok) throw new Error(`${answer.status} of ${link}: ${await answer.text()}`);
  const content = Buffer.from(await answer.arrayBuffer());
  return {
    extension: new URL(link).pathname.split('.').pop(),
    contentType: answer.headers.get('content-type'),
    sha256: createHash('sha256').update(content).digest('hex'),
  };
}

export const files = (links) => Promise.all(links.map(file));

/** Runway's response to a GET. */
export async function upstream(path) {
  const headers = { authorization: `Bearer ${plan.simulatorKey}`, 'x-runway-version': '2024-11-06' };
  const answer = await fetch(plan.simulatorUrl + path, { headers });
  if (!answer.ok) throw new Error(`${answer.status} of ${path}: ${await answer.text()}`);
  return answer.json();
}

/** The ids of the creates that Runway received with exactly this body. */
export async function bought(body, path) {
  const { creates } = await upstream('/_simulator/ledger');
  await Promise.all(creates.filter(({ id }) => !bodies.has(id)).map(remember));
  const wanted = ordered(body);
  return creates.filter((each) => (!path || each.path === path) && bodies.get(each.id) === wanted).map(({ id }) => id);
}

const bodies = new Map();

async function remember({ id }) {
  bodies.set(id, ordered(await upstream(`/_simulator/tasks/${id}/body`)));
}

/** JSON in which the order of names does not count. */
function ordered(value) {
  return JSON.stringify(value, (_, each) =>
    each && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)))
      : each,
  );
}
