import { UpdateBody } from '../../../protocol/docker.ts';
import { readJson, readJsonOf } from '../body.ts';
import { type Call, json, type Reply, type Route } from '../route.ts';

/** New limits for a container, in force at once; and what that would write, without doing it. */
export const updateRoutes: readonly Route[] = [
  { method: 'POST', path: '/containers/{id}/update', handler: update },
  { method: 'GET', path: '/porthole/v1/containers/{id}/update/plan', handler: plan },
];

async function update(call: Call): Promise<Reply> {
  const body = await readJson(call, UpdateBody);
  // Gone since 1.42: what a client sends there is not read.
  const change = call.minor >= 42 ? { ...body, KernelMemory: undefined } : body;
  const { warnings } = await call.engine.containers.update(call.param('id'), change);
  return json({ Warnings: warnings.length > 0 ? warnings : null });
}

async function plan(call: Call): Promise<Reply> {
  return json(
    await call.engine.containers.updatePlan(call.param('id'), readJsonOf(call.query.text('change'), UpdateBody)),
  );
}
