import { UpdateBody } from '../../../protocol/docker.ts';
import { readJson } from '../body.ts';
import { type Call, json, type Reply, type Route } from '../route.ts';

/** New limits for a container, in force at once. */
export const updateRoutes: readonly Route[] = [{ method: 'POST', path: '/containers/{id}/update', handler: update }];

async function update(call: Call): Promise<Reply> {
  const body = await readJson(call, UpdateBody);
  // Gone since 1.42: what a client sends there is not read.
  const change = call.minor >= 42 ? { ...body, KernelMemory: undefined } : body;
  const { warnings } = await call.engine.containers.update(call.param('id'), change);
  return json({ Warnings: warnings.length > 0 ? warnings : null });
}
