// Every other method of the SDK; and that none is left out.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cases } from './cases.mjs';
import { camel, methods, newClient, plan, recording } from './stage.mjs';

describe('a resource answers', { concurrency: cases.length }, () => {
  for (const { name, covers, play } of cases) {
    it(name, async () => {
      const sdk = recording(newClient());
      await play(sdk);
      assert.deepEqual(covers.filter((method) => !sdk.called.has(method)), []);
    });
  }
});

it('every method of the SDK is covered, or named with its reason', () => {
  const known = methods(newClient());
  const onlyInPython = Object.keys(plan.notInNode).map(camel);
  const creates = plan.generations.map(({ method }) => camel(method)).filter((name) => !onlyInPython.includes(name));
  const covered = new Set([...creates, ...cases.flatMap(({ covers }) => covers)]);
  const excepted = Object.keys(plan.notAnswered).map(camel);
  assert.ok(known.length > 60);
  assert.deepEqual(known.filter((name) => !covered.has(name)).sort(), excepted.sort());
  assert.deepEqual([...covered].filter((name) => !known.includes(name)), []);
  assert.deepEqual(excepted.filter((name) => covered.has(name)), []);
  assert.deepEqual(onlyInPython.filter((name) => known.includes(name)), []);
});
