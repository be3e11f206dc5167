import { buildAll } from './build.ts';
import { ensureTestPrograms } from './prerequisites.ts';

/** `npm run bench`: our figures beside dockerd's and runc's, measured in one run on this machine. Behind `--`, some groups only. */
await ensureTestPrograms();
await buildAll();
const only = process.argv.slice(2);
const { bench } = await import('../test/bench/bench.ts');
process.exitCode = (await bench(only)) ? 0 : 1;
