// What the SDK throws for Tarmac's errors, and what its own retries find.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { it } from 'node:test';
import * as sdk from '@runwayml/sdk';
import { bought, newClient, plan } from './stage.mjs';

const NOBODYS = '6e1fe2a7-0000-4000-8000-000000000000';
let videos = 0;

const video = (more = {}) => ({
  model: 'gen4.5',
  promptText: `Error ${++videos} [[sim: pending=0, seconds=0]]`,
  ratio: '1280:720',
  duration: 2,
  ...more,
});

const noKey = { headers: { authorization: null } };
const wrongKey = { apiKey: `key_${'0'.repeat(128)}` };
const tooLarge = { metadata: { note: 'x'.repeat(1 << 20) } };

const wrong = [
  ['wrong values', 400, sdk.BadRequestError, (client) => client.textToVideo.create(video({ ratio: '1:7' }))],
  ['no key', 401, sdk.AuthenticationError, (client) => client.tasks.retrieve(NOBODYS, noKey)],
  ['a wrong key', 401, sdk.AuthenticationError, () => newClient(wrongKey).tasks.retrieve(NOBODYS)],
  ['no such task', 404, sdk.NotFoundError, (client) => client.tasks.retrieve(NOBODYS)],
  ['no such task to delete', 404, sdk.NotFoundError, (client) => client.tasks.delete(NOBODYS)],
  ['too large', 413, sdk.APIError, (client) => client.textToVideo.create(video(tooLarge))],
  [
    'a key for another body',
    422,
    sdk.UnprocessableEntityError,
    async (client) => {
      const headers = { 'Idempotency-Key': randomUUID() };
      await client.textToVideo.create(video(), { headers });
      await client.textToVideo.create(video(), { headers });
    },
  ],
];

for (const [name, status, type, make] of wrong) {
  it(`${name} is ${type.name} ${status}`, async () => {
    await assert.rejects(make(newClient()), (error) => {
      assert.equal(error.constructor, type);
      assert.equal(error.status, status);
      return true;
    });
  });
}

it('bad input is reported field by field', async () => {
  await assert.rejects(newClient().textToVideo.create(video({ ratio: '1:7', duration: 'long' })), (error) => {
    assert.deepEqual(error.error.issues.map(({ path }) => path).sort(), [['duration'], ['ratio']]);
    return true;
  });
});

it('a create that the SDK retries by itself is found again', async () => {
  const answered = [];
  const body = video();
  const losing = async (url, init) => {
    const answer = await fetch(url, init);
    answered.push([new Headers(init.headers).get('x-stainless-retry-count'), (await answer.clone().json()).id]);
    if (answered.length === 1) throw new TypeError('fetch failed');
    return answer;
  };
  const created = await newClient({ fetch: losing }).textToVideo.create(body);
  assert.deepEqual(answered, [['0', created.id], ['1', created.id]]);
  await newClient().tasks.retrieve(created.id).waitForTaskOutput();
  assert.equal((await bought(body)).length, 1);
});

it('a client that the environment configures needs no other setting', async () => {
  process.env.RUNWAYML_BASE_URL = plan.baseUrl;
  process.env.RUNWAYML_API_SECRET = plan.apiKey;
  const { creditBalance } = await new sdk.default().organization.retrieve();
  assert.ok(creditBalance > 0);
});
