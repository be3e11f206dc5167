import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from '../../../scripts/processes.ts';
import { childrenOf, isAlive, readStat, startTicks } from '../../../src/agent/sys/proc.ts';
import { freshShim } from './rig.ts';

describe('shims that are kept ready', () => {
  let agent: ChildProcess;
  let lines: Interface;
  /** The last one that was asked, which may not have ended. */
  let asked: number;

  beforeEach(() => {
    const program = fileURLToPath(new URL('./spares-to-kill.ts', import.meta.url));
    agent = spawn(process.execPath, ['--import', 'tsx', program, freshShim()], { stdio: ['pipe', 'pipe', 'inherit'] });
    assert.ok(agent.stdout);
    lines = createInterface(agent.stdout);
  });

  afterEach(async () => {
    const ended = agent.exitCode === null && agent.signalCode === null ? once(agent, 'exit') : undefined;
    agent.kill('SIGKILL');
    await ended;
  });

  /** Pid of the shim that was asked. */
  async function ask(): Promise<number> {
    const answered = once(lines, 'line');
    agent.stdin?.write('\n');
    asked = Number((await answered)[0]);
    return asked;
  }

  async function spares(): Promise<number[]> {
    let found: number[] = [];
    await until('two shims wait', async () => {
      // What makes sources of ours run has a child too.
      const stats = await Promise.all((await childrenOf(agent.pid ?? 0)).map(readStat));
      found = stats.flatMap((stat) => (stat?.name === 'porthole-shim' && stat.state !== 'Z' ? [stat.pid] : []));
      return found.length === 2 && !found.includes(asked);
    });
    return found;
  }

  it('are used, and made anew', async () => {
    await ask();
    const first = await spares();
    assert.ok(first.includes(await ask()));
    const second = await spares();
    assert.notDeepEqual(second, first);
    assert.ok(second.includes(await ask()));
  });

  it('one that was killed is missed by nobody', async () => {
    await ask();
    const [killed = 0, other = 0] = await spares();
    const ticks = (await startTicks(killed)) ?? 0n;
    process.kill(killed, 'SIGKILL');
    await until('its agent has noticed', async () => (await startTicks(killed)) !== ticks);
    assert.equal(await ask(), other);
  });

  it('end when their agent is killed', async () => {
    await ask();
    const all = await Promise.all(
      (await spares()).map(async (pid) => ({ pid, startTicks: (await startTicks(pid)) ?? 0n })),
    );
    agent.kill('SIGKILL');
    await until('they are gone', async () => !(await Promise.all(all.map(isAlive))).includes(true));
  });

  it('end with an agent that ends by itself, which they do not hold', async () => {
    await ask();
    const all = await Promise.all(
      (await spares()).map(async (pid) => ({ pid, startTicks: (await startTicks(pid)) ?? 0n })),
    );
    agent.stdin?.end();
    const [code] = await once(agent, 'exit');
    assert.equal(code, 0);
    await until('they are gone', async () => !(await Promise.all(all.map(isAlive))).includes(true));
  });
});
