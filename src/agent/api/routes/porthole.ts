import { createOptions } from '../create-options.ts';
import { type Call, json, type Reply, type Route } from '../route.ts';

/** What Docker's API has no words for: containers seen from the kernel. */
export const portholeRoutes: readonly Route[] = [
  { method: 'GET', path: '/porthole/v1/info', handler: info },
  { method: 'POST', path: '/porthole/v1/handover', handler: handOver },
  { method: 'POST', path: '/porthole/v1/containers/plan', handler: planFor },
  { method: 'GET', path: '/porthole/v1/containers/{id}/plan', handler: plan },
  { method: 'GET', path: '/porthole/v1/containers/{id}/trace', handler: trace },
];

async function info(call: Call): Promise<Reply> {
  return json(call.engine.agent);
}

/** A newer agent takes over: this one stops listening, answers, and ends. Its containers stay. */
async function handOver(call: Call): Promise<Reply> {
  await call.engine.retire();
  return json({ handedOver: true });
}

async function planFor(call: Call): Promise<Reply> {
  return json(await call.engine.containers.planFor(await createOptions(call)));
}

async function plan(call: Call): Promise<Reply> {
  return json(await call.engine.containers.plan(call.param('id')));
}

async function trace(call: Call): Promise<Reply> {
  return json(await call.engine.containers.trace(call.param('id')));
}
