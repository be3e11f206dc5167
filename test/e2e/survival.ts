import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { typescriptLoader } from '../support/agent.ts';
import { survive } from './survival/run.ts';

/**
 * `npx tsx test/e2e/survival.ts --rounds 100 --containers 50 [--upgrade] [--seed N]`: figures of what outlives an agent
 * that is killed at random moments, or replaced by newer versions. Needs root and a built dist/.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    containers: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    upgrade: { type: 'boolean', default: false },
    alone: { type: 'boolean', default: false },
  },
});

if (values.alone) await main();
else process.exitCode = await insideItsOwnNamespaces();

async function main(): Promise<void> {
  const [rounds, containers, seed] = [Number(values.rounds), Number(values.containers), Number(values.seed)];
  const begun = Date.now();
  console.log(`${rounds} rounds, ${containers} containers, ${values.upgrade ? 'upgrades' : 'kill -9'}, --seed ${seed}`);
  const { losses, ...figures } = await survive({ rounds, containers, seed, upgrade: values.upgrade, say: console.log });
  for (const [name, figure] of Object.entries(figures)) console.log(`  ${name.padEnd(12)} ${figure}`);
  for (const loss of losses) console.log(`  LOSS: ${loss}`);
  console.log(`${losses.length} lost, doubled or left behind in ${((Date.now() - begun) / 1000).toFixed(0)} s`);
  process.exit(losses.length === 0 ? 0 : 1);
}

/**
 * Everything again as a child of a shell that is the init of a PID namespace: whatever is left there in the end is ours,
 * and ends with it.
 */
async function insideItsOwnNamespaces(): Promise<number> {
  const own = [process.execPath, '--import', typescriptLoader, fileURLToPath(import.meta.url), '--alone'];
  const given = process.argv.slice(2);
  const child = spawn(
    'unshare',
    // A shell that has something to do afterwards stays, and reaps the orphans.
    [
      '--pid',
      '--fork',
      '--mount-proc',
      '--kill-child',
      'sh',
      '-c',
      '"$@"; code=$?; exit $code',
      'sh',
      ...own,
      ...given,
    ],
    { stdio: 'inherit' },
  );
  const [code] = await once(child, 'exit');
  return typeof code === 'number' ? code : 1;
}
