import type { NamespaceSurvey } from '../../../protocol/namespaces.ts';
import { notRunning } from '../../container/errors.ts';
import { hasProcess } from '../../container/state.ts';
import { differences, namespaceEntries, processViews } from '../../inspect/namespaces.ts';
import { surveyHost, surveyMembers } from '../../inspect/survey.ts';
import { namespaceKinds } from '../../sys/proc.ts';
import type { Engine } from '../engine.ts';
import { badParameter } from '../errors.ts';
import { type Call, json, type Reply, type Route } from '../route.ts';

/** Namespaces under the lens: of every process on the host, of every namespace, of a container beside the host. */
export const namespaceRoutes: readonly Route[] = [
  { method: 'GET', path: '/porthole/v1/namespaces', handler: namespaces },
  { method: 'GET', path: '/porthole/v1/processes', handler: processes },
  { method: 'GET', path: '/porthole/v1/containers/{id}/namespaces', handler: ofContainer },
];

async function namespaces(call: Call): Promise<Reply> {
  const { engine, query } = call;
  const [kind, inode] = [query.text('kind'), query.whole('inode')];
  if (kind !== '' && !namespaceKinds.some((one) => one === kind)) {
    throw badParameter(`invalid kind ${JSON.stringify(kind)}: must be one of ${namespaceKinds.join(', ')}`);
  }
  const survey = await surveyHost(ownNames(engine), engine.readLineages);
  const answer: NamespaceSurvey = {
    namespaces: namespaceEntries(survey).filter(
      (entry) => (kind === '' || entry.kind === kind) && (inode === undefined || entry.inode === inode),
    ),
    unreadable: survey.processes
      .filter((process) => process.namespaces === undefined)
      .map(({ pid, command }) => ({ pid, command })),
  };
  return json(answer);
}

async function processes(call: Call): Promise<Reply> {
  const { engine, query } = call;
  const views = processViews(await surveyMembers(ownNames(engine)));
  const given = query.text('container');
  if (given === '') return json(views);
  // Another engine's container is known by its whole id alone.
  const own = engine.containers.list().find(({ id, name }) => id === given || name === given);
  return json(views.filter(({ container }) => container?.id === (own?.id ?? given)));
}

async function ofContainer(call: Call): Promise<Reply> {
  const { engine } = call;
  const { id, state } = engine.containers.get(call.param('id'));
  if (!hasProcess(state.status)) throw notRunning(id);
  return json(differences(await surveyMembers(ownNames(engine)), { id, pid: state.pid }));
}

function ownNames(engine: Engine): ReadonlyMap<string, string> {
  return new Map(engine.containers.list().map(({ id, name }) => [id, name]));
}
