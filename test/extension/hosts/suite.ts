import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { isKind } from '../../../src/base/errors.ts';
import type { Host, HostState } from '../../../src/extension/hosts/contract.ts';

/** What a host has to bring to be put through the contract's suite. Its engine is the stand-in of `fake-agent.ts`. */
export interface HostUnderTest {
  readonly host: Host;
  /** Breaks the way to the engines as an accident would, without a word to the host. */
  sabotage(): Promise<void>;
}

const never = new AbortController().signal;
const unavailable = (error: unknown) => isKind(error, 'unavailable');

/** The contract of `Host`, for every implementation. */
export function hostSuite(make: () => Promise<HostUnderTest>): void {
  let under: HostUnderTest;
  let host: Host;
  beforeEach(async () => {
    under = await make();
    host = under.host;
  });
  afterEach(() => host.disconnect());

  it('goes through its states and tells each', async () => {
    const seen: HostState[] = [];
    host.onDidChange((state) => seen.push(state));
    const steps: string[] = [];
    await host.connect(never, (step) => steps.push(String(step)));
    await host.disconnect();
    assert.deepEqual([...new Set(seen.map((state) => state.kind))], ['connecting', 'connected', 'disconnected']);
    assert.deepEqual(seen.at(-1), { kind: 'disconnected' });
    assert.deepEqual(
      seen.find((state) => state.kind === 'connected'),
      { kind: 'connected', version: 'fake', kernel: '6.0', architecture: 'amd64' },
    );
    assert.ok(steps.every((step) => step.length > 0));
  });

  it('shares one attempt between concurrent calls', async () => {
    let attempts = 0;
    host.onDidChange((state) => {
      if (state.kind === 'connected') attempts++;
    });
    const impatient = new AbortController();
    const given = host.connect(impatient.signal);
    const others = [host.connect(never), host.connect(never)];
    impatient.abort();
    await assert.rejects(given, (error) => isKind(error, 'canceled'));
    await Promise.all(others);
    await host.connect(never);
    assert.equal(attempts, 1);
  });

  it('gives up when nobody waits any more, and can be connected afterwards', async () => {
    const stop = new AbortController();
    const attempt = host.connect(stop.signal);
    stop.abort();
    await assert.rejects(attempt, (error) => isKind(error, 'canceled'));
    await host.connect(never);
    assert.equal(host.state.kind, 'connected');
  });

  it('answers nothing before it is connected', () => {
    assert.throws(() => host.engine('porthole'), unavailable);
    assert.throws(() => host.dial('porthole'), unavailable);
  });

  it('carries dockerode', async () => {
    await host.connect(never);
    const list = await host.engine('porthole').listContainers({ all: true });
    assert.equal(list[0]?.Id, 'c1');
    await assert.rejects(host.engine('porthole').getContainer('gone').inspect(), { statusCode: 404 });
  });

  it('says which engine is absent', async () => {
    await host.connect(never);
    await assert.rejects(host.engine('docker').listContainers(), (error: Error) => {
      assert.ok(unavailable(error));
      assert.match(error.message, /^Docker does not answer on /);
      return true;
    });
    assert.equal(host.state.kind, 'connected');
  });

  it('carries hijacked streams, half-closed too', async () => {
    await host.connect(never);
    const container = host.engine('porthole').getContainer('c1');
    const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
    stream.write('hello ');
    stream.write('world ');
    stream.end();
    assert.equal(await text(stream), 'HELLO WORLD bye');
  });

  it('carries raw connections', async () => {
    await host.connect(never);
    const socket = host.dial('porthole');
    socket.write('GET /version HTTP/1.0\r\n\r\n');
    assert.match(await text(socket), /^HTTP\/1\.1 200 OK[\s\S]*"Version":"fake"/);
  });

  it('reads JSON and bytes below /porthole/v1, and minds the limit', async () => {
    await host.connect(never);
    assert.ok(Reflect.has(Object(await host.porthole('/pid')), 'pid'));
    assert.equal((await host.portholeBytes('/bytes?size=3000000', { limit: 3_000_000 })).length, 3_000_000);
    await assert.rejects(host.portholeBytes('/bytes?size=3000001', { limit: 3_000_000 }), (error) =>
      isKind(error, 'invalid'),
    );
    await assert.rejects(host.portholeBytes('/endless', { limit: 1_000_000 }), (error) => isKind(error, 'invalid'));
    await assert.rejects(host.porthole('/nothing'), (error: Error) => {
      assert.ok(isKind(error, 'not-found'));
      assert.equal(error.message, 'No such thing: /porthole/v1/nothing');
      return true;
    });
  });

  it('aborts a request that does not end', async () => {
    await host.connect(never);
    for (const path of ['/silence', '/endless']) {
      const stop = new AbortController();
      const reading = host.portholeBytes(path, { limit: 1 << 30, signal: stop.signal });
      setTimeout(() => stop.abort(), 50);
      await assert.rejects(reading, (error) => isKind(error, 'canceled'));
    }
    const stop = new AbortController();
    const listing = host.engine('porthole').listContainers({ limit: 60_000, abortSignal: stop.signal });
    stop.abort();
    await assert.rejects(listing, /abort/i);
    assert.equal((await host.engine('porthole').listContainers()).length, 1);
  });

  it('holds a fast sender back while nobody reads', async () => {
    await host.connect(never);
    const socket: Duplex = host.dial('porthole');
    socket.write('GET /porthole/v1/endless HTTP/1.0\r\n\r\n');
    await once(socket, 'readable');
    const before = process.memoryUsage().external + process.memoryUsage().arrayBuffers;
    // Others are not held up by it.
    for (let count = 0; count < 20; count++) await host.engine('porthole').listContainers();
    const grown = process.memoryUsage().external + process.memoryUsage().arrayBuffers - before;
    assert.ok(grown < 32 << 20, `${grown} bytes are held`);
    socket.destroy();
  });

  it('runs 50 requests side by side', async () => {
    await host.connect(never);
    const docker = host.engine('porthole');
    const started = performance.now();
    const lists = await Promise.all(Array.from({ length: 50 }, () => docker.listContainers({ limit: 200 })));
    assert.ok(lists.every((list) => list[0]?.Id === 'c1'));
    assert.ok(performance.now() - started < 5000, 'they waited for each other');
  });

  it('fails everything at once when the way breaks, and connects again', async () => {
    await host.connect(never);
    const docker = host.engine('porthole');
    const gone = new Promise<HostState>((resolve) => {
      host.onDidChange((state) => {
        if (state.kind === 'disconnected') resolve(state);
      });
    });
    const events = await docker.getEvents();
    const ended = new Promise((resolve) => events.once('close', resolve));
    events.on('error', () => undefined).resume();
    const silent = host.porthole('/silence');
    const listing = docker.listContainers({ limit: 60_000 });
    const outcomes = Promise.allSettled([silent, listing]);
    await under.sabotage();

    const state = await gone;
    assert.ok(state.kind === 'disconnected' && unavailable(state.error));
    for (const outcome of await outcomes) assert.equal(outcome.status, 'rejected');
    await ended;
    await assert.rejects(async () => host.porthole('/pid'), unavailable);
    assert.throws(() => host.engine('porthole'), unavailable);

    await host.connect(never);
    // A client from before works again: it belongs to the host, not to the connection.
    assert.equal((await docker.listContainers()).length, 1);
  });
}
