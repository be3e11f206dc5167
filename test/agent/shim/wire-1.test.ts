import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { connectToShim } from '../../../src/agent/shim/connect.ts';
import type { Output } from '../../../src/agent/shim/contract.ts';
import { readRecord } from '../../../src/agent/shim/record.ts';
import { FrameReader, frame, parseHello } from '../../../src/agent/shim/wire.ts';
import { requires } from '../../support/tools.ts';
import { Rig, why } from './rig.ts';

/**
 * What went over a supervisor's socket in the first version of the wire, recorded from a shim of that version: a shell that
 * reads a line, answers on both streams, reads to the end and leaves with 7. Never made anew: containers that were started
 * then may still run.
 */
interface Recording {
  readonly pid: number;
  readonly shimPid: number;
  /** From the shim, base64. */
  readonly received: string;
  /** From the agent, each after so many bytes from the shim. */
  readonly sent: readonly { readonly after: number; readonly data: string }[];
  readonly record: string;
}

describe('the first version of the wire', () => {
  let directory: string;
  let recording: Recording;
  let rig: Rig | undefined;
  beforeEach(async () => {
    directory = await mkdtemp('/tmp/porthole-wire-');
    recording = JSON.parse(await readFile(new URL('golden/wire-1.json', import.meta.url), 'utf8'));
  });
  afterEach(async () => {
    await rig?.dispose();
    rig = undefined;
    await rm(directory, { recursive: true });
  });

  it('of an old shim is understood by this agent', async () => {
    const received = Buffer.from(recording.received, 'base64');
    const typed: Buffer[] = [];
    const server = createServer((socket) => {
      // As the old shim did: greeting first, the rest once the agent has sent what it sends.
      const heard = recording.sent.find(({ after }) => after > 0)?.after ?? 0;
      socket.write(received.subarray(0, heard));
      socket.on('error', () => undefined);
      socket.on('data', (data: Buffer) => {
        typed.push(data);
        if (!Buffer.concat(typed).includes('ping\n')) return;
        socket.end(received.subarray(heard));
      });
    });
    const path = join(directory, 'shim.sock');
    await once(server.listen(path), 'listening');
    try {
      const shim = await connectToShim(path);
      assert.deepEqual([shim.pid, shim.shimPid], [recording.pid, recording.shimPid]);
      assert.ok(shim.results.length > 0 && shim.results.every(({ errno }) => errno === 0));
      const output: Output[] = [];
      shim.subscribe((chunk) => {
        output.push(chunk);
      });
      await shim.write(Buffer.from('ping\n'));
      const exit = await shim.exited;
      assert.equal(exit.exitCode, 7);
      assert.equal(exit.after[0]?.data?.toString(), 'Linux\n');
      assert.deepEqual(
        output.map(({ stream, data }) => [stream, data.toString()]),
        [
          ['stdout', 'got ping\n'],
          ['stderr', 'to stderr\n'],
        ],
      );
    } finally {
      server.close();
    }
  });

  it('has an exit record that this agent reads', async () => {
    const path = join(directory, 'record');
    await writeFile(path, Buffer.from(recording.record, 'base64'));
    const exit = await readRecord(path);
    assert.deepEqual([exit?.exitCode, exit?.after[0]?.data?.toString()], [7, 'Linux\n']);
  });

  it('of an old agent is understood by this shim', async function () {
    requires(this, { programs: ['busybox'] });
    rig = new Rig();
    const script = 'read x; echo "got $x"; echo "to stderr" >&2; read y; exit 7';
    const argv = ['sh', '-c', script];
    const child = [{ op: 'exec', file: '/bin/busybox', argv, env: [], search: '', why } as const];
    const started = await rig.start(child, { stdin: true, files: ['log', 'listen', 'record'] });
    started.disconnect();
    const socket = createConnection(rig.path('listen'));
    const reader = new FrameReader();
    const frames: { type: number; text: string }[] = [];
    let version = 0;
    socket.on('data', (data: Buffer) => {
      reader.add(data);
      for (let next = reader.next(); next; next = reader.next()) {
        if (next.type === frame.hello) version = parseHello(next.data).version;
        frames.push({ type: next.type, text: next.data.toString() });
      }
    });
    for (const { data } of recording.sent) socket.write(Buffer.from(data, 'base64'));
    await once(socket, 'end');
    socket.end();
    assert.ok(version >= 1);
    const texts = (type: number) => frames.filter((one) => one.type === type).map(({ text }) => text);
    assert.deepEqual(texts(frame.stdout), ['got ping\n']);
    assert.deepEqual(texts(frame.stderr), ['to stderr\n']);
    assert.equal(texts(frame.taken).length, 1);
    assert.equal(texts(frame.exited).length, 1);
    assert.equal((await readRecord(rig.path('record')))?.exitCode, 7);
  });

  it('of a shim that is newer than the agent is refused by name', async () => {
    const received = Buffer.from(recording.received, 'base64');
    received.writeUInt32LE(99, 8);
    const server = createServer((socket) => socket.end(received));
    const path = join(directory, 'shim.sock');
    await once(server.listen(path), 'listening');
    try {
      await assert.rejects(connectToShim(path), {
        kind: 'unsupported',
        message: /speaks version 99.*this agent knows/s,
      });
    } finally {
      server.close();
    }
  });
});
