import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { create, ends, inspect, remove, seconds, start, type World } from './acts.ts';
import { type Answer, broken, linesOf } from './client.ts';
import { fileIn } from './data-stories.ts';

/** What is known of an exec whose shim was killed, or whose start was cut off before it ran. */
const lost = 137;

/** Execs with and without a client: output, exit code, what they have done, and that they do it once. */
export async function runsExecs(world: World, name: string): Promise<void> {
  const { client, random } = world;
  const id = await create(world, name, 'sleep 1000');
  await start(world, id);
  for (let turn = 0; turn < 4; turn++) {
    const code = random.between(0, 125);
    const said = ['one', 'two'];
    const script = `echo one; sleep ${seconds(random)}; echo ran >> /tmp/ran-${turn}; echo two; exit ${code}`;
    const body = { Cmd: ['sh', '-c', script], AttachStdout: true };
    const made = await client.once('POST', `/containers/${id}/exec`, { body });
    if (made === broken) continue;
    assert.equal(made.status, 201, made.body);
    const exec = String(JSON.parse(made.body).Id);
    const before = world.generation;
    const isDetached = random.next() < 0.4;
    const ran = await client.once('POST', `/exec/${exec}/start`, { body: { Detach: isDetached, Tty: false } });
    // One that waits to be started goes with its agent: it was never promised to run.
    if (ran !== broken && ran.status === 404) continue;
    if (ran !== broken) assert.equal(ran.status, 200, ran.body);
    const isUndisturbed = before % 2 === 0 && before === world.generation;
    if (ran !== broken && !isDetached) checkOutput(ran, { said, isWhole: isUndisturbed });
    const ended = await endOf(world, exec, id);
    if (ended === undefined) {
      assert.equal(ran, broken, `an exec that was started is unknown: ${exec}`);
      continue;
    }
    if (ended !== lost || ran !== broken) {
      assert.equal(ended, code, `exit code of an exec (${JSON.stringify(ran)})`);
      assert.equal(await fileIn(world, id, `/tmp/ran-${turn}`), 'ran\n', 'what an exec has done');
      world.figures.execs++;
    }
  }
  await client.sure('POST', `/containers/${id}/kill`, { accept: [204, 409] });
  await ends(world, id, 137);
  await remove(world, id);
}

/** Without a length the end of a body and the end of its agent look the same: it may be a beginning then. */
function checkOutput({ body }: Answer, { said, isWhole }: { said: readonly string[]; isWhole: boolean }): void {
  const { stdout } = linesOf(body);
  const expected = isWhole ? said : said.slice(0, stdout.length);
  assert.deepEqual(stdout, expected, `output of an exec: ${JSON.stringify(body)}`);
}

/** Undefined: nobody knows it. */
async function endOf(world: World, exec: string, id: string): Promise<number | undefined> {
  for (;;) {
    const { status, body } = await world.client.sure('GET', `/exec/${exec}/json`, { accept: [200, 404] });
    if (status === 404) return undefined;
    const { Running, ExitCode } = JSON.parse(body);
    if (typeof ExitCode === 'number') return ExitCode;
    if (Running === true) {
      const listed = (await inspect(world, id)).ExecIDs ?? [];
      const now = JSON.parse((await world.client.sure('GET', `/exec/${exec}/json`)).body);
      assert.ok(listed.includes(exec) || now.Running === false, `inspect does not list ${exec}`);
    }
    await pause(20);
  }
}
