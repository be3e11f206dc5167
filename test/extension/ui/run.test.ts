import assert from 'node:assert/strict';
import type { ImageInspectInfo } from 'dockerode';
import { hostOf, refsOf } from '../../../src/extension/commands/row-refs.ts';
import {
  badVariable,
  createOptions,
  parsePort,
  plainRun,
  type RunChoices,
  readChoices,
} from '../../../src/extension/commands/run/choices.ts';
import { type Place, type Step, type Turn, walk } from '../../../src/extension/commands/run/walk.ts';
import { runLine } from '../../../src/extension/commands/run-line.ts';
import { refusalOf } from '../../../src/extension/refusals.ts';

describe('a chain of questions', () => {
  interface Said {
    readonly a: string;
    readonly b: string;
    readonly c: string;
  }
  const nothing: Said = { a: '', b: '', c: '' };

  /** Answers one after the other; what was asked, with its place. */
  async function walked(turns: readonly ((now: Said) => Turn<Said>)[], isAsked?: (now: Said) => boolean) {
    const asked: string[] = [];
    let at = 0;
    const step = (name: string): Step<Said> => ({
      ...(name === 'b' && isAsked && { isAsked }),
      ask: async (now: Said, { step: number, total, isFirst, isLast }: Place) => {
        asked.push(`${name} ${number}/${total}${isFirst ? ' first' : ''}${isLast ? ' last' : ''}`);
        const turn = turns[at++];
        assert.ok(turn, 'no more answers');
        return turn(now);
      },
    });
    const end = await walk(['a', 'b', 'c'].map(step), nothing);
    return { asked, end };
  }
  const next = (said: Partial<Said>) => (now: Said) => ({ to: 'next' as const, state: { ...now, ...said } });

  it('goes from the first to the last', async () => {
    const { asked, end } = await walked([next({ a: '1' }), next({ b: '2' }), next({ c: '3' })]);
    assert.deepEqual(asked, ['a 1/3 first', 'b 2/3', 'c 3/3 last']);
    assert.deepEqual(end, { a: '1', b: '2', c: '3' });
  });

  it('goes back with what was answered since', async () => {
    const { asked, end } = await walked([
      next({ a: '1' }),
      next({ b: '2' }),
      () => ({ to: 'back' }),
      () => ({ to: 'back' }),
      next({ a: '4' }),
      next({}),
      next({ c: '3' }),
    ]);
    assert.deepEqual(asked.slice(2), ['c 3/3 last', 'b 2/3', 'a 1/3 first', 'b 2/3', 'c 3/3 last']);
    assert.deepEqual(end, { a: '4', b: '2', c: '3' });
  });

  it('passes over what is not asked, in its numbers too', async () => {
    const { asked, end } = await walked(
      [next({ a: 'no b' }), () => ({ to: 'back' }), next({}), next({ c: '3' })],
      (now) => now.a === '',
    );
    assert.deepEqual(asked, ['a 1/3 first', 'c 2/2 last', 'a 1/2 first', 'c 2/2 last']);
    assert.equal(end?.c, '3');
  });

  it('goes to its end, and back from there to where that was said', async () => {
    const { asked } = await walked([() => ({ to: 'end' }), () => ({ to: 'back' }), () => ({ to: 'end' }), next({})]);
    assert.deepEqual(asked, ['a 1/3 first', 'c 3/3 last', 'a 1/3 first', 'c 3/3 last']);
  });

  it('keeps what was answered when it is left by a button', async () => {
    const { end } = await walked([
      next({ a: '1' }),
      (now) => ({ to: 'back', state: { ...now, b: 'kept' } }),
      (now) => ({ to: 'end', state: { ...now, a: 'too' } }),
      next({ c: '3' }),
    ]);
    assert.deepEqual(end, { a: 'too', b: 'kept', c: '3' });
  });

  it('is given up at any place', async () => {
    assert.equal((await walked([next({}), () => ({ to: 'away' })])).end, undefined);
  });
});

describe('what is chosen of a container', () => {
  const all: RunChoices = {
    name: 'web',
    command: ['sh', '-c', 'a b'],
    interactive: true,
    env: ['A=1 2'],
    mounts: [
      { kind: 'directory', source: '/srv', target: '/data', readOnly: true },
      { kind: 'volume', source: 'kept', target: '/kept', readOnly: false },
    ],
    memory: 64 << 20,
    cpus: 5e8,
    pids: 10,
    user: 'nobody',
    directory: '/tmp',
    restart: 'always',
    network: 'host',
    ports: ['127.0.0.1:8080:80', '53/udp'],
    readOnlyRoot: true,
    autoRemove: false,
    init: true,
  };
  const image: ImageInspectInfo = JSON.parse('{"Config":{"Cmd":["run"],"Entrypoint":null,"User":"","WorkingDir":"/"}}');
  const lineOf = (choices: RunChoices) => {
    const { name: Name = '', HostConfig = {}, Image = '', ...Config } = createOptions('img', choices);
    return runLine({ Name, Config: { ...Config, Image }, HostConfig }, image, { detached: !choices.interactive });
  };

  it('says nothing when nothing is chosen', () => {
    assert.deepEqual(createOptions('img', plainRun), { Image: 'img', HostConfig: {} });
    assert.equal(lineOf(plainRun), 'docker run --detach img');
  });

  it('becomes a create body', () => {
    assert.deepEqual(createOptions('img', all).HostConfig, {
      Mounts: [
        { Type: 'bind', Source: '/srv', Target: '/data', ReadOnly: true },
        { Type: 'volume', Source: 'kept', Target: '/kept' },
      ],
      Memory: 64 << 20,
      NanoCpus: 5e8,
      PidsLimit: 10,
      RestartPolicy: { Name: 'always' },
      NetworkMode: 'host',
      PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }], '53/udp': [{ HostPort: '' }] },
      ReadonlyRootfs: true,
      Init: true,
    });
    assert.equal(createOptions('img', { ...all, autoRemove: true }).HostConfig?.RestartPolicy, undefined);
  });

  it('is said as the docker run line', () => {
    assert.equal(
      lineOf({ ...all, ports: [] }),
      'docker run --name web --tty --interactive --init --read-only --restart always --user nobody --workdir /tmp ' +
        '--network host --memory 67108864 --cpus 0.5 --pids-limit 10 --mount type=bind,source=/srv,target=/data,readonly ' +
        "--mount type=volume,source=kept,target=/kept --env 'A=1 2' img sh -c 'a b'",
    );
  });

  it('is read again, and not when another version wrote it', () => {
    assert.deepEqual(readChoices(JSON.stringify(all)), all);
    for (const text of [undefined, '', '{}', JSON.stringify({ ...all, restart: 'sometimes' })]) {
      assert.equal(readChoices(text), undefined);
    }
  });

  it('has ports and variables that are some', () => {
    assert.deepEqual(parsePort('8080:80'), { inside: '80/tcp', address: '', outside: '8080' });
    assert.deepEqual(parsePort('1.2.3.4::80/udp'), { inside: '80/udp', address: '1.2.3.4', outside: '' });
    for (const text of ['', 'x', '0', '70000', '80:', '80:70000', '1:2:3:4'])
      assert.equal(parsePort(text), undefined, text);
    assert.equal(badVariable(['A=1', 'B=']), undefined);
    assert.equal(badVariable(['A=1', 'B']), 'B');
    assert.equal(badVariable(['=1']), '=1');
  });
});

describe('what an engine refused', () => {
  const cases: readonly [string, string | undefined][] = [
    [
      `Conflict. The container name "/web" is already in use by container "${'a'.repeat(64)}". You have to`,
      'name-taken',
    ],
    [`creating container storage: the container name "web" is already in use by ${'b'.repeat(64)}.`, 'name-taken'],
    ['No such image: nginx:latest', 'no-image'],
    ['nginx: image not known', 'no-image'],
    [`Container ${'c'.repeat(64)} is not running`, 'not-running'],
    ['OCI runtime create failed: exec: "nope": executable file not found in $PATH: unknown', 'no-program'],
    ['unauthorized: authentication required', 'denied'],
    ['pull access denied for x, repository does not exist', 'denied'],
    ['something else', undefined],
  ];
  for (const [words, kind] of cases) {
    it(`${kind}: ${words.slice(0, 40)}`, () => assert.equal(refusalOf(words)?.kind, kind));
  }
  it('names who has the name', () => {
    const taken = refusalOf(`The container name "/web" is already in use by container "${'a'.repeat(64)}".`);
    assert.deepEqual(taken, { kind: 'name-taken', name: 'web', holder: 'a'.repeat(64) });
  });
});

describe('what a command is called with', () => {
  const ref = { host: 'local', engine: 'porthole', id: 'x' };
  it('is a row of the right kind, or nothing', () => {
    assert.deepEqual(refsOf('container', { type: 'container', ref }, undefined), [ref]);
    assert.deepEqual(refsOf('container', { type: 'image', ref }, undefined), []);
    assert.deepEqual(
      refsOf('image', 'image', [{ type: 'image', ref }, 7, { type: 'image', ref: { ...ref, engine: 'x' } }]),
      [ref],
    );
  });
  it('tells its host', () => {
    assert.equal(hostOf({ hostId: 'a' }), 'a');
    assert.equal(hostOf({ type: 'group', host: 'b' }), 'b');
    assert.equal(hostOf({ type: 'container', ref }), 'local');
    assert.equal(hostOf(undefined), undefined);
  });
});
