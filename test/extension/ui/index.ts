import { format } from 'node:util';
import Mocha from 'mocha';

/**
 * The entry of the suite that runs inside VS Code: bundled by the build, called in the extension host by the harness.
 * Rejects when a test failed.
 */
export async function run(): Promise<void> {
  // VS Code hands console arguments on one by one; Mocha's reporters count on format strings.
  Mocha.reporters.Base.consoleLog = (...parts: unknown[]) => console.log(format(...parts));
  const mocha = new Mocha({ ui: 'bdd', color: false, timeout: 60_000, reporter: 'spec' });
  // A bundle has no files for Mocha to load: its words are put in place as it would, then the suites are evaluated.
  mocha.suite.emit(Mocha.Suite.constants.EVENT_FILE_PRE_REQUIRE, globalThis, '', mocha);
  await import('./inside/manifest.ts');
  await import('./inside/local.ts');
  await import('./inside/insides.ts');
  await import('./inside/layers.ts');
  await import('./inside/trees.ts');
  await import('./inside/ssh.ts');
  const failures = await new Promise<number>((resolve) => mocha.run(resolve));
  if (failures > 0) throw new Error(`${failures} failed`);
}
