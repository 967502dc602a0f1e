// Are the definitions valid Amazon States Language, in the judgement of asl-validator?

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import validate from 'asl-validator';

const plan = JSON.parse(readFileSync(process.env.MACHINES_PLAN, 'utf8'));

for (const [name, definition] of Object.entries(plan.definitions)) {
  it(`${name} is valid`, () => {
    const { isValid, errorsText } = validate(definition);
    assert.ok(isValid, errorsText());
  });
}

for (const [fault, definition] of Object.entries(plan.malformed)) {
  it(`${fault} is found`, () => {
    assert.equal(validate(definition).isValid, false);
  });
}
