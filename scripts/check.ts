import { root } from './paths.ts';
import { attempt } from './processes.ts';

/** Every static check. Each is a command line that can be run by hand. */
const checks = [
  ['npx', 'tsc', '-p', '.'],
  ['npx', 'tsc', '-p', 'tsconfig.pure.json'],
  ['npx', 'tsc', '-p', 'tsconfig.webview.json'],
  ['npx', 'biome', 'check', '--error-on-warnings', '.'],
] as const;

let failed = 0;
for (const [command, ...args] of checks) {
  console.log(`> ${[command, ...args].join(' ')}`);
  const { code } = await attempt(command, args, { cwd: root });
  if (code !== 0) failed += 1;
}
console.log(`${checks.length - failed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed === 0 ? 0 : 1;
