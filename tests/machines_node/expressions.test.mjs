// Does each expression have the same result in JSONata's own engine, in the version that Step Functions runs, as in the
// Python engine of the local AWS?

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import jsonata from 'jsonata';

const { evaluations } = JSON.parse(readFileSync(process.env.MACHINES_PLAN, 'utf8'));

// {value}, or {} where the evaluation fails or has no result: Step Functions reports both as the same error.
const evaluate = async ({ expression, states }) => {
  try {
    const value = JSON.stringify(await jsonata(expression).evaluate(undefined, { states }));
    return value === undefined ? {} : { value: JSON.parse(value) };
  } catch {
    return {};
  }
};

const expected = (evaluation) => ('value' in evaluation ? { value: evaluation.value } : {});

const byExpression = Map.groupBy(evaluations, ({ expression }) => expression);

for (const [expression, each] of byExpression) {
  it(`${expression} (${each.length} inputs)`, async () => {
    for (const evaluation of each) {
      const { path, states } = evaluation;
      assert.deepEqual(await evaluate(evaluation), expected(evaluation), `${path} with ${JSON.stringify(states)}`);
    }
  });
}

it('a result that differs is noticed', async () => {
  const evaluation = { expression: '$states.input.a + 1', states: { input: { a: 1 } } };
  await assert.rejects(async () => assert.deepEqual(await evaluate(evaluation), { value: 3 }));
  await assert.rejects(async () => assert.deepEqual(await evaluate(evaluation), {}));
});
