import { readFileSync } from 'node:fs';
import { debianPackages, which } from '../test/support/tools.ts';
import { attempt } from './processes.ts';

/** Installs the Debian packages that tests use where that takes no question, else says what is missing. */
export async function ensureTestPrograms(): Promise<void> {
  const absent = Object.keys(debianPackages).filter((program) => which(program) === undefined);
  if (absent.length === 0) return;
  const packages = [...new Set(absent.map((program) => debianPackages[program] ?? program))];
  await installPackages(packages);
  const stillAbsent = absent.filter((program) => which(program) === undefined);
  if (stillAbsent.length > 0) {
    console.log(`Missing, their tests are skipped: ${stillAbsent.map(named).join(', ')}`);
  }
}

/** Installs Debian packages where that takes no question: root on Debian. Elsewhere it does nothing; a failure is shown. */
export async function installPackages(packages: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0 || !isDebian()) return;
  console.log(`Installing Debian packages for the tests: ${packages.join(' ')}`);
  // A service that its package would start is none of ours: tests start their own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  await attempt('apt-get', ['update'], { quiet: true, env });
  const { code, output } = await attempt('apt-get', ['install', '-y', '--no-install-recommends', ...packages], {
    quiet: true,
    env,
  });
  if (code !== 0) console.log(output);
}

const named = (program: string): string => `${program} (Debian package ${debianPackages[program] ?? program})`;

function isDebian(): boolean {
  try {
    return /^ID(_LIKE)?=.*debian/m.test(readFileSync('/etc/os-release', 'utf8')) && which('apt-get') !== undefined;
  } catch {
    return false;
  }
}
