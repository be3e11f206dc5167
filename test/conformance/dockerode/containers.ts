import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { extract, pack } from 'tar-stream';
import { type Method, made, outputs, running, stateOf, status, untilIs } from './method.ts';

/** Containers and execs. */
export const containerMethods: Readonly<Record<string, Method>> = {
  'container.inspect': async (given) => {
    const container = await made(given, ['sleep', '5'], { name: 'seen', Env: ['A=b'], Labels: { x: 'y' } });
    const found = await container.inspect();
    assert.equal(found.Name, '/seen');
    assert.equal(found.Id, container.id);
    assert.deepEqual(found.Config.Env, ['A=b']);
    assert.deepEqual(found.Config.Labels, { x: 'y' });
    assert.deepEqual([found.Path, ...found.Args], ['sleep', '5']);
    assert.equal(found.State.Status, 'created');
    await assert.rejects(given.docker.getContainer('nobody').inspect(), status(404));
  },
  'container.rename': async (given) => {
    const container = await made(given);
    await container.rename({ name: 'renamed' });
    assert.equal((await given.docker.getContainer('renamed').inspect()).Id, container.id);
  },
  'container.update': async (given) => {
    const container = await running(given);
    await container.update({ Memory: 64 << 20, MemorySwap: 64 << 20, RestartPolicy: { Name: 'on-failure' } });
    const { HostConfig } = await container.inspect();
    assert.equal(HostConfig.Memory, 64 << 20);
    assert.equal(HostConfig.RestartPolicy?.Name, 'on-failure');
    await assert.rejects(container.update({ Memory: 1 }), status(400));
  },
  'container.top': async (given) => {
    const table: { Titles: string[]; Processes: string[][] } = await (await running(given)).top({
      ps_args: '-o pid,args',
    });
    assert.deepEqual(table.Titles, ['PID', 'COMMAND']);
    assert.deepEqual(
      table.Processes.map(([, command]) => command),
      ['sleep 100'],
    );
  },
  'container.changes': async (given) => {
    const container = await running(given, ['touch', '/new']);
    await container.wait();
    assert.deepEqual(await container.changes(), [{ Path: '/new', Kind: 1 }]);
  },
  'container.export': async (given) => {
    const container = await running(given, ['sh', '-c', 'echo inside > /file']);
    await container.wait();
    assert.equal((await files(await container.export())).get('file'), 'inside\n');
  },
  'container.start': async (given) => {
    const container = await made(given);
    await container.start();
    assert.equal(await stateOf(container), 'running');
    await assert.rejects(container.start(), status(304));
  },
  'container.pause': async (given) => {
    const container = await running(given);
    await container.pause();
    assert.equal(await stateOf(container), 'paused');
    await assert.rejects(container.pause(), status(409));
    await container.unpause();
  },
  'container.unpause': async (given) => {
    const container = await running(given);
    await container.pause();
    await container.unpause();
    assert.equal(await stateOf(container), 'running');
    await assert.rejects(container.unpause(), status(409));
  },
  'container.exec': async (given) => {
    const container = await running(given);
    const exec = await container.exec({ Cmd: ['true'], Env: ['A=b'], WorkingDir: '/tmp', User: 'user' });
    const found = await exec.inspect();
    assert.equal(found.ContainerID, container.id);
    assert.deepEqual([found.Running, found.ExitCode, found.ProcessConfig.user], [false, null, 'user']);
  },
  'container.commit': async (given) => {
    const container = await running(given, ['touch', '/committed']);
    await container.wait();
    const { Id }: { Id: string } = await container.commit({
      repo: 'committed',
      tag: '1',
      comment: 'why',
      changes: 'ENV A=b',
    });
    const image = given.docker.getImage('committed:1');
    const found = await image.inspect();
    assert.equal(found.Id, Id);
    assert.equal(found.Comment, 'why');
    assert.deepEqual(found.Config.Env, ['A=b']);
    await image.remove();
  },
  'container.stop': async (given) => {
    const container = await running(given);
    await container.stop({ t: 0 });
    assert.equal(await stateOf(container), 'exited');
    await assert.rejects(container.stop(), status(304));
  },
  'container.restart': async (given) => {
    const container = await running(given);
    const { Pid } = (await container.inspect()).State;
    await container.restart({ t: 0 });
    const { State } = await container.inspect();
    assert.ok(State.Running && State.Pid !== Pid);
  },
  'container.kill': async (given) => {
    const container = await running(given);
    const ended = container.wait();
    await container.kill({ signal: 'SIGKILL' });
    assert.equal((await ended).StatusCode, 137);
    await assert.rejects(container.kill(), status(409));
  },
  'container.resize': async (given) => {
    const container = await running(given, ['sh', '-c', 'read x; stty size'], { Tty: true, OpenStdin: true });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, hijack: true });
    await container.resize({ h: 33, w: 99 });
    stream.write('\n');
    assert.match(await text(stream), /^33 99\r$/m);
  },
  'container.attach': async (given) => {
    const container = await made(given, ['sh', '-c', 'read line; echo got $line; echo err >&2'], {
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
    });
    const stream = await container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
    const said = outputs(given, stream);
    await container.start();
    stream.end('a word\n');
    assert.deepEqual(await said, { stdout: 'got a word\n', stderr: 'err\n' });
  },
  'container.wait': async (given) => {
    const container = await made(given, ['sh', '-c', 'exit 42']);
    const ended = container.wait({ condition: 'next-exit' });
    await container.start();
    assert.deepEqual(await ended, { StatusCode: 42 });
  },
  'container.remove': async (given) => {
    const container = await running(given);
    await assert.rejects(container.remove(), status(409));
    await container.remove({ force: true });
    await assert.rejects(container.inspect(), status(404));
  },
  'container.getArchive': async (given) => {
    const container = await made(given);
    assert.equal((await files(await container.getArchive({ path: '/etc/motd' }))).get('motd'), 'one\ntwo\n');
    await assert.rejects(container.getArchive({ path: '/nothere' }), status(404));
  },
  'container.infoArchive': async (given) => {
    const answer: { headers: Record<string, string> } = await (await made(given)).infoArchive({ path: '/etc/motd' });
    const header = answer.headers['x-docker-container-path-stat'] ?? '';
    const found: { name: string; size: number; linkTarget: string } = JSON.parse(
      Buffer.from(header, 'base64').toString(),
    );
    assert.deepEqual([found.name, found.size, found.linkTarget], ['motd', 8, '']);
  },
  'container.putArchive': async (given) => {
    const container = await made(given, ['cat', '/tmp/put'], {});
    const tar = pack();
    tar.entry({ name: 'put' }, 'from outside');
    tar.finalize();
    await container.putArchive(await buffer(tar), { path: '/tmp' });
    const stream = await container.attach({ stream: true, stdout: true });
    const said = outputs(given, stream);
    await container.start();
    assert.equal((await said).stdout, 'from outside');
    await assert.rejects(container.putArchive(Readable.from(['no tar']), { path: '/tmp' }), status(400));
  },
  'container.logs': async (given) => {
    const container = await running(given, ['sh', '-c', 'echo one; echo two; echo err >&2']);
    await container.wait();
    const all = await container.logs({ stdout: true, stderr: false, follow: false });
    assert.deepEqual(await outputs(given, Readable.from([all])), { stdout: 'one\ntwo\n', stderr: '' });
    const followed = await container.logs({ stdout: true, stderr: true, follow: true, tail: 1, timestamps: false });
    const { stdout, stderr } = await outputs(given, followed);
    assert.equal(stdout.length + stderr.length, 4);
  },
  'container.stats': async (given) => {
    const container = await running(given, undefined, { HostConfig: { Memory: 64 << 20 } });
    const once = await container.stats({ stream: false, 'one-shot': true });
    assert.equal(once.memory_stats.limit, 64 << 20);
    assert.ok(once.cpu_stats.cpu_usage.total_usage > 0);
    assert.equal(once.pids_stats?.current, 1);
    const stream = await container.stats({ stream: true });
    const first = await new Promise<Buffer>((resolve) => stream.once('data', resolve));
    assert.equal(JSON.parse(first.toString()).id, container.id);
    if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy();
  },
  'exec.start': async (given) => {
    const container = await running(given);
    const exec = await container.exec({ Cmd: ['sh', '-c', 'cat; exit 3'], AttachStdin: true, AttachStdout: true });
    const stream = await exec.start({ hijack: true, stdin: true });
    stream.end('through');
    assert.equal((await outputs(given, stream)).stdout, 'through');
    await assert.rejects(exec.start({}), status(409));
  },
  'exec.resize': async (given) => {
    const container = await running(given);
    const exec = await container.exec({
      Cmd: ['sh', '-c', 'read x; stty size'],
      Tty: true,
      AttachStdin: true,
      AttachStdout: true,
    });
    const stream = await exec.start({ hijack: true, stdin: true, Tty: true });
    await exec.resize({ h: 21, w: 77 });
    stream.write('\n');
    assert.match((await buffer(stream)).toString(), /^21 77\r$/m);
  },
  'exec.inspect': async (given) => {
    const container = await running(given);
    const exec = await container.exec({ Cmd: ['sh', '-c', 'exit 6'], AttachStdout: true });
    await buffer(await exec.start({}));
    const found = await exec.inspect();
    assert.deepEqual([found.Running, found.ExitCode, found.ProcessConfig.entrypoint], [false, 6, 'sh']);
    await container.kill();
    await untilIs(container, 'exited');
    await assert.rejects(given.docker.getExec('nothere').inspect(), status(404));
  },
};

/** The regular files of an archive. */
async function files(archive: NodeJS.ReadableStream): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const entry of archive.pipe(extract())) found.set(entry.header.name, await text(entry));
  return found;
}
