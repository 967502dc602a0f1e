// Do the policies of each role allow what its function calls, and does a call need each statement?

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { runSimulation } from '@cloud-copilot/iam-simulate';

const { account, policies, calls } = JSON.parse(readFileSync(process.env.PERMISSIONS_PLAN, 'utf8'));

const isAllowed = async ({ principal, action, resource, conditions }, statements) => {
  const simulation = {
    identityPolicies: [{ name: principal, policy: { Version: '2012-10-17', Statement: statements } }],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    request: {
      action,
      principal: `arn:aws:sts::${account}:assumed-role/${principal}/x`,
      resource: { resource, accountId: account },
      contextVariables: conditions,
    },
  };
  const { resultType, errors, overallResult } = await runSimulation(simulation, { simulationMode: 'Strict' });
  assert.notEqual(resultType, 'error', JSON.stringify(errors));
  return overallResult === 'Allowed';
};

const names = (statement, action) => [statement.Action].flat().includes(action);

for (const [principal, statements] of Object.entries(policies)) {
  const own = calls.filter((call) => call.principal === principal);

  it(`${principal} may make its ${own.length} calls`, async () => {
    for (const call of own) {
      assert.ok(await isAllowed(call, statements), `denied: ${JSON.stringify(call)}`);
    }
  });

  for (const statement of statements) {
    it(`${principal} needs ${statement.Sid}`, async () => {
      const others = statements.filter((each) => each !== statement);
      for (const call of own.filter(({ action }) => names(statement, action))) {
        if (others.length === 0 || !(await isAllowed(call, others))) {
          return;
        }
      }
      assert.fail('no call is denied without it');
    });
  }
}

it('every call is of a role of the template', () => {
  assert.deepEqual(
    calls.filter(({ principal }) => !(principal in policies)),
    [],
  );
});
