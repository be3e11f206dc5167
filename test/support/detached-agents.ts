import { readdir, readFile } from 'node:fs/promises';

/**
 * Ends the agents whose command line names something below a directory, and the bridges that may be about to start one.
 * Agents stay when the hosts go that started them, also when the test fails that would have learned their pid.
 */
export async function endAgentsBelow(directory: string): Promise<void> {
  const patience = Date.now() + 10_000;
  for (;;) {
    const pids = await agentsBelow(directory);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, Date.now() < patience ? 'SIGTERM' : 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The shells of a login hold the agent's command line too. */
async function agentsBelow(directory: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(`${directory}/`) && /\b(serve|connect)\b/.test(line)) found.push(Number(name));
  }
  return found;
}
