// Every create that the SDK has, waited for in the SDK's own way: the links that it gives lead into the archive, to the
// bytes that Runway rendered. (The Python tests cover every model: its body would be the same here.) The SDK sleeps for
// six seconds before each poll, so all run at once.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bought, camel, files, newClient, plan, resolve, upstream } from './stage.mjs';

const client = newClient();
const offered = plan.generations.filter(({ method }) => !(method in plan.notInNode));

describe('a generation ends in the archive', { concurrency: offered.length }, () => {
  for (const { name, method, operation, body, formats } of offered) {
    it(name, async () => {
      const task = await resolve(client, camel(method))(body).waitForTaskOutput();
      assert.equal(task.status, 'SUCCEEDED');
      assert.ok(task.output.every((link) => link.includes(`/${plan.archiveBucket}/${plan.client}/`)));

      // What a router has chosen is another endpoint than the one that was called.
      const ids = await bought(body, operation.startsWith('generate/') ? undefined : `/v1/${operation}`);
      assert.equal(ids.length, 1);
      const archived = await files(task.output);
      assert.deepEqual(archived, await files((await upstream(`/v1/tasks/${ids[0]}`)).output));
      assert.deepEqual(archived.map(({ extension }) => extension), formats);
    });
  }
});
