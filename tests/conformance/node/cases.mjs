// The SDK's methods besides creates. Each case takes the SDK and names the methods that it covers.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { APIError, NotFoundError, TaskFailedError, toFile } from '@runwayml/sdk';
import { bought, camel, files, plan, upstream } from './stage.mjs';

let videos = 0;

/** A create of its own each time. */
const video = (scenario) => ({
  model: 'gen4.5',
  promptText: `Case ${++videos} [[sim: ${scenario}]]`,
  ratio: '1280:720',
  duration: 2,
});

const atOnce = 'pending=0, seconds=0';
const narrator = { type: 'text', model: 'eleven_ttv_v3', prompt: 'a warm steady narrator voice' };
const cat = { type: 'runway-preset', presetId: 'cat-character' };
const picture = Buffer.from(plan.picture, 'base64');

const all = [
  {
    name: 'a task is read, cancelled and not found',
    covers: ['tasks.retrieve', 'tasks.delete'],
    async play(sdk) {
      const created = await sdk('textToVideo.create', video('seconds=2000'));
      assert.equal(created.estimatedCost.credits, 24);
      const task = await sdk('tasks.retrieve', created.id);
      assert.equal(task.id, created.id);
      assert.match(task.status, /^(PENDING|THROTTLED|RUNNING)$/);
      await sdk('tasks.delete', created.id);
      assert.equal((await sdk('tasks.retrieve', created.id)).status, 'CANCELLED');
      await assert.rejects(sdk('tasks.retrieve', created.id).waitForTaskOutput(), TaskFailedError);
      await assert.rejects(sdk('tasks.delete', created.id), NotFoundError);
    },
  },
  {
    name: 'a task that was read can be waited for, and a failed one reports the reason',
    covers: ['tasks.retrieve'],
    async play(sdk) {
      const good = await sdk('textToVideo.create', video(atOnce));
      const bad = await sdk('textToVideo.create', video(`${atOnce}, fail=SAFETY.INPUT.TEXT`));
      const [found] = await Promise.all([
        sdk('tasks.retrieve', good.id).waitForTaskOutput(),
        assert.rejects(sdk('tasks.retrieve', bad.id).waitForTaskOutput(), (error) => {
          assert.ok(error instanceof TaskFailedError);
          assert.equal(error.taskDetails.failureCode, 'SAFETY.INPUT.TEXT');
          return true;
        }),
      ]);
      assert.deepEqual([found.id, found.status, found.output.length], [good.id, 'SUCCEEDED', 1]);
    },
  },
  {
    name: 'a file is uploaded, in all the ways that the SDK takes one, and used',
    covers: ['uploads.createEphemeral'],
    async play(sdk) {
      const path = join(await mkdtemp(join(tmpdir(), 'conformance-')), 'lake.jpg');
      await writeFile(path, picture);
      const given = [
        { file: new File([picture], 'lake.jpg', { type: 'image/jpeg' }) },
        { file: createReadStream(path), fileMetadata: 'a note, and more' },
        { file: await toFile(picture, 'lake.jpg') },
      ];
      const uploads = await Promise.all(given.map((each) => sdk('uploads.createEphemeral', each)));
      const created = await Promise.all(
        uploads.map(({ uri }) =>
          sdk('imageToVideo.create', {
            model: 'gen4_turbo',
            promptImage: uri,
            promptText: `[[sim: ${atOnce}]]`,
            ratio: '1280:720',
            duration: 2,
          }),
        ),
      );
      const ended = await Promise.all(created.map(({ id }) => sdk('tasks.retrieve', id).waitForTaskOutput()));
      assert.deepEqual(ended.map(({ status }) => status), ['SUCCEEDED', 'SUCCEEDED', 'SUCCEEDED']);
    },
  },
  {
    name: 'a file that storage refuses is an error',
    covers: ['uploads.createEphemeral'],
    async play(sdk) {
      const file = await toFile(Buffer.alloc(100), 'small.png');
      await assert.rejects(sdk('uploads.createEphemeral', { file }), (error) => {
        assert.ok(error instanceof APIError);
        assert.equal(error.status, 400);
        return true;
      });
    },
  },
  {
    name: "the organization is Runway's own",
    covers: ['organization.retrieve', 'organization.retrieveUsage'],
    async play(sdk) {
      const direct = await upstream('/v1/organization');
      const found = await sdk('organization.retrieve');
      assert.deepEqual(found.tier, direct.tier);
      assert.ok(found.creditBalance > 0);
      assert.deepEqual(Object.keys(found.usage.models), Object.keys(direct.usage.models));

      await sdk('textToVideo.create', video(atOnce)).waitForTaskOutput();
      const day = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
      for (const span of [{}, { startDate: day(-1), beforeDate: day(1) }]) {
        const usage = await sdk('organization.retrieveUsage', span);
        assert.ok(usage.models.includes('gen4.5'));
        assert.ok(usage.results.some(({ usedCredits }) => usedCredits.some(({ amount }) => amount > 0)));
      }
    },
  },
  {
    name: "a workflow is run and every node's output archived",
    covers: ['workflows.list', 'workflows.retrieve', 'workflows.run', 'workflowInvocations.retrieve'],
    async play(sdk) {
      const listed = (await sdk('workflows.list')).data.find(({ name }) => name === 'Lamp study');
      const workflow = await sdk('workflows.retrieve', listed.versions[0].id);
      const body = {
        nodeOutputs: {
          [workflow.graph.nodes[0].id]: {
            prompt: { type: 'primitive', value: `A lamp [[sim: ${atOnce}]]` },
            image: { type: 'image', uri: 'https://media.example.com/a.png' },
          },
        },
      };
      const run = await sdk('workflows.run', workflow.id, body);
      const ended = await sdk('workflowInvocations.retrieve', run.id).waitForTaskOutput();
      assert.equal(ended.status, 'SUCCEEDED');

      const [id] = await bought(body);
      const direct = await upstream(`/v1/workflow_invocations/${id}`);
      assert.deepEqual(Object.keys(ended.output).sort(), workflow.graph.nodes.map((node) => node.id).sort());
      for (const [node, links] of Object.entries(ended.output)) {
        assert.ok(links.every((link) => link.includes(`/${plan.archiveBucket}/`)));
        assert.deepEqual(await files(links), await files(direct.output[node]));
      }
    },
  },
  {
    name: 'a router is made, used and changed',
    covers: [
      'routers.create',
      'routers.retrieve',
      'routers.update',
      'routers.list',
      'routers.listRequests',
      'routers.delete',
      'generate.image.create',
    ],
    async play(sdk) {
      const slug = `r${randomUUID().slice(0, 8)}`;
      const settings = { optimizeFor: 'cost', maxCreditsPerGeneration: { image: 99 } };
      const router = await sdk('routers.create', { slug, settings });
      assert.deepEqual([router.slug, router.name, router.version], [slug, slug, 1]);
      const input = { promptText: `a lamp [[sim: ${atOnce}]]`, aspectRatio: '16:9' };
      const task = await sdk('generate.image.create', { configId: slug, input }).waitForTaskOutput();
      assert.equal(task.output.length, 1);

      const [request] = await listed(sdk('routers.listRequests', router.id, { limit: 1 }));
      assert.equal(request.status, 'routed');
      const changes = { name: 'Cheap', settings: { maxCreditsPerGeneration: null } };
      const changed = await sdk('routers.update', router.id, changes);
      assert.deepEqual([changed.name, changed.version, changed.settings.optimizeFor], ['Cheap', 2, 'cost']);
      const slugs = (await listed(sdk('routers.list', { limit: 1 }))).map((each) => each.slug);
      assert.ok(slugs.includes(slug));
      assert.equal((await sdk('routers.retrieve', router.id)).slug, slug);
      await sdk('routers.delete', router.id);
      await assert.rejects(sdk('routers.retrieve', router.id), NotFoundError);
    },
  },
  {
    name: "the web application's records are read",
    covers: [
      'organization.webapp.listUsage',
      'organization.webapp.auditLogs.list',
      'organization.webapp.auditLogs.retrieve',
    ],
    async play(sdk) {
      const span = { from: new Date(Date.now() - 86_400_000).toISOString(), to: new Date().toISOString() };
      const charges = await listed(sdk('organization.webapp.listUsage', { limit: 1, ...span }));
      assert.deepEqual(charges.map(({ type }) => type), ['charge', 'charge']);
      const events = await listed(sdk('organization.webapp.auditLogs.list', { limit: 1 }));
      assert.equal(events.length, 2);
      const event = await sdk('organization.webapp.auditLogs.retrieve', events[1].eventId);
      assert.equal(event.eventId, events[1].eventId);
    },
  },
  {
    name: 'documents are stored',
    covers: ['documents.create', 'documents.retrieve', 'documents.update', 'documents.list', 'documents.delete'],
    async play(sdk) {
      const made = [];
      for (const name of ['one', 'two', 'three']) {
        made.push((await sdk('documents.create', { name, content: '# hi' })).id);
      }
      await sdk('documents.update', made[0], { name: 'Answers', content: '# ho' });
      const first = await sdk('documents.retrieve', made[0]);
      assert.deepEqual([first.name, first.content, first.type, first.usedBy], ['Answers', '# ho', 'text', []]);
      const all = async () => {
        const found = await listed(sdk('documents.list', { limit: 2, order: 'asc', sort: 'createdAt' }));
        return found.map(({ id }) => id).filter((id) => made.includes(id));
      };
      assert.deepEqual(await all(), made);
      await sdk('documents.delete', made[0]);
      await assert.rejects(sdk('documents.retrieve', made[0]), NotFoundError);
      assert.deepEqual(await all(), made.slice(1));
    },
  },
  {
    name: 'an avatar has a voice of its own, and knowledge',
    covers: [
      ...['create', 'retrieve', 'update', 'list', 'delete'].flatMap((name) => [`avatars.${name}`, `voices.${name}`]),
      'voices.preview',
    ],
    async play(sdk) {
      const { url } = await sdk('voices.preview', { model: narrator.model, prompt: narrator.prompt });
      assert.equal((await fetch(url)).headers.get('content-type'), 'audio/mpeg');
      const voice = await sdk('voices.create', { name: 'warm', from: narrator });
      await ready(() => sdk('voices.retrieve', voice.id));
      assert.equal((await sdk('voices.update', voice.id, { description: 'deep' })).description, 'deep');
      assert.ok((await listed(sdk('voices.list', { limit: 1 }))).some(({ id }) => id === voice.id));
      const document = await sdk('documents.create', { name: 'FAQ', content: '# hi' });
      const made = await sdk('avatars.create', {
        name: 'Nova',
        personality: 'kind',
        referenceImage: 'https://media.example.com/a.png',
        voice: { type: 'custom', id: voice.id },
        documentIds: [document.id],
        startScript: 'Hi',
      });
      const avatar = await ready(() => sdk('avatars.retrieve', made.id));
      assert.deepEqual([avatar.name, avatar.voice.name, avatar.documentIds], ['Nova', 'warm', [document.id]]);
      assert.equal((await sdk('avatars.update', made.id, { startScript: null })).startScript, null);
      assert.ok((await listed(sdk('avatars.list', { limit: 50 }))).some(({ id }) => id === made.id));
      await sdk('voices.delete', voice.id);
      await assert.rejects(sdk('voices.retrieve', voice.id), NotFoundError);
      await sdk('avatars.delete', made.id);
      await assert.rejects(sdk('avatars.retrieve', made.id), NotFoundError);
    },
  },
  {
    name: 'a call leaves a conversation',
    covers: [
      'realtimeSessions.create',
      'realtimeSessions.retrieve',
      'avatarConversations.list',
      'avatarConversations.retrieve',
      'avatarConversations.delete',
      'avatars.getUsage',
    ],
    async play(sdk) {
      const { id } = await sdk('realtimeSessions.create', { model: 'gwm1_avatars', avatar: cat, maxDuration: 20 });
      const waiting = await until('READY', () => sdk('realtimeSessions.retrieve', id));
      const headers = { authorization: `Bearer ${waiting.sessionKey}` };
      const claim = await fetch(`${plan.baseUrl}/v1/realtime_sessions/${id}/consume`, { method: 'POST', headers });
      assert.deepEqual(Object.keys(await claim.json()).sort(), ['roomName', 'token', 'url']);
      assert.equal((await until('COMPLETED', () => sdk('realtimeSessions.retrieve', id))).duration, 20);

      assert.ok((await listed(sdk('avatarConversations.list', { limit: 20 }))).some((each) => each.id === id));
      const conversation = await sdk('avatarConversations.retrieve', id);
      assert.equal(conversation.status, 'ended');
      assert.equal((await fetch(conversation.recordingUrl)).headers.get('content-type'), 'video/mp4');
      const span = { startDate: new Date(Date.now() - 172_800_000).toISOString(), endDate: new Date().toISOString() };
      assert.ok((await sdk('avatars.getUsage', span)).totalSeconds >= 20);
      await sdk('avatarConversations.delete', id);
      await assert.rejects(sdk('avatarConversations.retrieve', id), NotFoundError);
    },
  },
  {
    name: 'a session is cancelled',
    covers: ['realtimeSessions.create', 'realtimeSessions.retrieve', 'realtimeSessions.delete'],
    async play(sdk) {
      const { id } = await sdk('realtimeSessions.create', { model: 'gwm1_avatars', avatar: cat });
      await sdk('realtimeSessions.delete', id);
      await until('CANCELLED', () => sdk('realtimeSessions.retrieve', id));
    },
  },
];

/** The cases of what Tarmac serves. */
const notAnswered = Object.keys(plan.notAnswered).map(camel);
export const cases = all.filter(({ covers }) => !covers.some((method) => notAnswered.includes(method)));

/** All pages of a list, as a loop over the SDK's page requests them. */
async function listed(page) {
  const found = [];
  for await (const each of page) found.push(each);
  return found;
}

/** The first poll with this status; avatars, voices and sessions have no waiter in the SDK. */
async function until(status, poll) {
  let found = await poll();
  for (let polls = 0; found.status !== status && polls < 600; polls++) {
    await sleep(100);
    found = await poll();
  }
  assert.equal(found.status, status);
  return found;
}

const ready = (poll) => until('READY', poll);
