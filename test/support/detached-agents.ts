import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';

/**
 * Ends the agents whose command line names something below a directory. Agents that a bridge or a host started stay when
 * those go, also when the test fails that would have learned their pid.
 */
export async function endAgentsBelow(directory: string): Promise<void> {
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (line.includes(`${directory}/`) && line.includes('\0serve\0')) await end(Number(name));
  }
}

async function end(pid: number): Promise<void> {
  const patience = Date.now() + 10_000;
  while (existsSync(`/proc/${pid}`)) {
    try {
      process.kill(pid, Date.now() < patience ? 'SIGTERM' : 'SIGKILL');
    } catch {
      return; // It has ended meanwhile.
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
