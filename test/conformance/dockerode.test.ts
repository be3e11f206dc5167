import assert from 'node:assert/strict';
import Docker from 'dockerode';
import { type RunningAgent, startAgent } from '../support/agent.ts';
import { requires } from '../support/tools.ts';
import { containerMethods } from './dockerode/containers.ts';
import { engineMethods } from './dockerode/engine.ts';
import { imageMethods } from './dockerode/images.ts';
import type { Method } from './dockerode/method.ts';
import { refused } from './dockerode/refused.ts';
import { registryMethods } from './dockerode/registry.ts';
import { volumeMethods } from './dockerode/volumes.ts';
import { busyboxTar } from './engine.ts';
import { image } from './scenario.ts';

const called: Readonly<Record<string, Method>> = {
  ...engineMethods,
  ...containerMethods,
  ...imageMethods,
  ...registryMethods,
  ...volumeMethods,
};

/** A client written by others: every method that it has for containers, execs, images and volumes. */
describe('dockerode', function () {
  this.timeout(60_000);
  let agent: RunningAgent;
  let docker: Docker;

  before(async function () {
    requires(this, { root: true, programs: ['busybox'] });
    agent = await startAgent();
    docker = new Docker({ socketPath: agent.socket });
    const { Readable } = await import('node:stream');
    const progress = await docker.importImage(Readable.from([await busyboxTar()]), { repo: image });
    await new Promise((resolve) => docker.modem.followProgress(progress, resolve));
  });
  after(() => agent?.stop());
  afterEach(async () => {
    for (const { Id } of (await docker?.listContainers({ all: true })) ?? []) {
      await docker.getContainer(Id).remove({ force: true, v: true });
    }
    for (const { Name } of (await docker?.listVolumes())?.Volumes ?? []) await docker.getVolume(Name).remove();
  });

  for (const [name, method] of Object.entries(called)) it(name, () => method({ docker, image }));

  describe('is refused, in whole words, where there is nothing to do it with', () => {
    for (const [name, { call, status, message }] of Object.entries(refused)) {
      it(name, async () => {
        const failure: unknown = await call({ docker, image }).then(
          () => assert.fail('it was not refused'),
          (thrown: unknown) => thrown,
        );
        const { statusCode, message: said } = Object(failure);
        // The client puts the status and words of its own before them.
        const words = String(said)
          .replace(/^\(HTTP code \d+\) [a-z ]+ - /, '')
          .trim();
        assert.deepEqual([statusCode, words], [status, message]);
      });
    }
  });

  it('has no method that is not called here', () => {
    const known = new Set([...Object.keys(called), ...Object.keys(refused)]);
    assert.deepEqual(
      methodsOf(docker).filter((name) => !known.has(name)),
      [],
      'call them',
    );
    const all = new Set(methodsOf(docker));
    assert.deepEqual(
      [...known].filter((name) => !all.has(name)),
      [],
      'they are gone',
    );
  });
});

/** As `container.inspect`; those of the engine itself as `docker.info`. */
function methodsOf(docker: Docker): string[] {
  const objects: Readonly<Record<string, object>> = {
    docker,
    container: docker.getContainer('any'),
    exec: docker.getExec('any'),
    image: docker.getImage('any'),
    volume: docker.getVolume('any'),
  };
  return Object.entries(objects).flatMap(([word, object]) =>
    Object.getOwnPropertyNames(Object.getPrototypeOf(object))
      .filter((name) => name !== 'constructor')
      .map((name) => `${word}.${name}`),
  );
}
