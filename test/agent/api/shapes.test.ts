import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import Docker from 'dockerode';
import { busyboxTar } from '../../conformance/engine.ts';
import { ask, type RunningAgent, startAgent } from '../../support/agent.ts';
import { type Dockerd, startDockerd } from '../../support/dockerd.ts';
import { requires } from '../../support/tools.ts';

/** API 1.41: the newest that Debian 12's dockerd speaks. */
const version = '/v1.41';

/** What our answers lack or have beyond dockerd's, each with the reason. `*` ends a prefix. */
const differences: Readonly<Record<string, string>> = {
  '.HostConfig.KernelMemory*': 'gone since API 1.42: the kernel ignores it',
  '.KernelMemory*': 'gone since API 1.42',
  '.GraphDriver.Data.ID': 'newer than 1.41',
  '.GraphDriver.Data.MergedDir': 'an image is not mounted anywhere here',
  '.GraphDriver.Data.WorkDir': 'an image is not mounted anywhere here',
  '.NetworkSettings.Networks.none.DNSNames': 'newer than 1.41',
  '[].NetworkSettings.Networks.none.DNSNames': 'newer than 1.41',
  '.Containers[].NetworkSettings.Networks.none.DNSNames': 'newer than 1.41',
  '.Container': 'the container that an image was committed from: gone since API 1.45',
  '.ContainerConfig*': 'gone since API 1.45',
  '.ContainerdCommit.Expected': 'there is no containerd',
  '.RuncCommit.Expected': 'there is no runc',
  '.InitCommit.Expected': 'there is no docker-init',
  '.Plugins.Volume[]': 'no volumes yet',
  '.RegistryConfig.*': 'no registry client yet',
  '.Runtimes.*': 'other runtimes',
  '.Components[].Details.BuildTime': 'nothing is compiled in',
  '.Components[].Details.GitCommit': 'nothing is compiled in',
  '.Components[].Details.GoVersion': 'no Go',
  '.Components[].Details.NodeVersion': 'Node instead of Go',
  '[].EnableIPv4': 'newer than 1.41',
  '.EnableIPv4': 'newer than 1.41',
  '.Containers.ID.*': 'endpoints have no ids here',
  '.blkio_stats.io_service_bytes_recursive[]*':
    'whether a disk was read depends on what the kernel still had in memory',
  '.blkio_stats.io_serviced_recursive[]*': 'likewise',
};

/** Paths of all fields, for example '.Containers[].Names[]'; list elements count once, ids are ID. */
function fields(value: unknown, path = ''): Set<string> {
  const found = new Set<string>();
  const add = (more: Iterable<string>): void => {
    for (const one of more) found.add(one);
  };
  if (Array.isArray(value)) {
    for (const element of value) {
      found.add(`${path}[]`);
      add(fields(element, `${path}[]`));
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      const name = `${path}.${/^[0-9a-f]{64}$/.test(key) ? 'ID' : key}`;
      found.add(name);
      add(fields(inner, name));
    }
  }
  return found;
}

const isExplained = (field: string): boolean =>
  Object.keys(differences).some((known) =>
    known.endsWith('*') ? field.startsWith(known.slice(0, -1)) : field === known,
  );

describe('api: answers have the fields of dockerd’s', function () {
  this.timeout(120_000);
  let agent: RunningAgent;
  let dockerd: Dockerd;
  let execs: string[];

  before(async function () {
    requires(this, { root: true, programs: ['dockerd', 'docker', 'busybox'] });
    [agent, dockerd] = await Promise.all([startAgent(), startDockerd()]);
    execs = await Promise.all([agent.socket, dockerd.socket].map(prepare));
  });
  after(() => Promise.all([agent?.stop(), dockerd?.stop()]));

  /** The same image, a running container and an exec in it. */
  async function prepare(socketPath: string): Promise<string> {
    const docker = new Docker({ socketPath });
    const answer = await docker.importImage(Readable.from([await busyboxTar()]), { repo: 'shape', tag: '1' });
    await text(answer);
    const container = await docker.createContainer({
      name: 'shape',
      Image: 'shape:1',
      Cmd: ['sleep', '1000'],
      Labels: { a: 'b' },
      ExposedPorts: { '80/tcp': {} },
      HostConfig: { NetworkMode: 'none', Memory: 64 << 20, Binds: ['/tmp:/mnt:ro'] },
    });
    await container.start();
    const exec = await container.exec({ Cmd: ['true'], AttachStdout: true });
    return exec.id;
  }

  const paths = [
    '/containers/shape/json?size=1',
    '/containers/json?all=1&size=1',
    '/images/json',
    '/images/shape:1/json',
    '/images/shape:1/history',
    '/info',
    '/version',
    '/containers/shape/stats?stream=false',
    '/containers/shape/top',
    '/containers/shape/changes',
    '/exec/EXEC/json',
    '/system/df',
    '/networks',
    '/networks/none',
    '/volumes',
  ];
  for (const path of paths) {
    it(path, async () => {
      const [ours, theirs] = await Promise.all(
        [agent.socket, dockerd.socket].map(async (socket, index) => {
          const { status, body } = await ask(socket, 'GET', `${version}${path.replace('EXEC', execs[index] ?? '')}`);
          assert.equal(status, 200, body);
          return fields(JSON.parse(body));
        }),
      );
      assert.ok(ours && theirs);
      const lacking = [...theirs].filter((field) => !ours.has(field) && !isExplained(field));
      const beyond = [...ours].filter((field) => !theirs.has(field) && !isExplained(field));
      assert.deepEqual({ lacking, beyond }, { lacking: [], beyond: [] });
    });
  }

  const refusals: readonly [method: string, path: string, body?: unknown][] = [
    ['GET', '/nope'],
    ['GET', '/containers/nope/json'],
    ['POST', '/containers/nope/start'],
    ['POST', '/containers/shape/start'],
    ['POST', '/containers/shape/kill?signal=FOO'],
    ['POST', '/containers/shape/rename'],
    ['POST', '/containers/create', { Image: 'nope', Cmd: ['x'] }],
    ['POST', '/containers/create?name=shape', { Image: 'shape:1', Cmd: ['x'], HostConfig: { NetworkMode: 'none' } }],
    ['POST', '/containers/shape/exec', {}],
    ['POST', '/exec/nope/start', {}],
    ['GET', '/exec/nope/json'],
    ['GET', '/containers/shape/logs'],
    ['DELETE', '/containers/shape'],
    ['DELETE', '/images/nope'],
    ['GET', '/networks/nope'],
    ['GET', '/volumes/nope'],
  ];
  for (const [method, path, body] of refusals) {
    it(`${method} ${path}: the same status and words`, async () => {
      const [ours, theirs] = await Promise.all(
        [agent.socket, dockerd.socket].map(async (socket) => {
          const answer = await ask(socket, method, `${version}${path}`, body);
          return { status: answer.status, body: answer.body.replaceAll(/[0-9a-f]{64}/g, 'ID') };
        }),
      );
      assert.deepEqual(ours, theirs);
    });
  }
});
