import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { attempt } from '../../scripts/processes.ts';
import { typescriptLoader } from '../support/agent.ts';
import { requires } from '../support/tools.ts';

const program = fileURLToPath(new URL('survival.ts', import.meta.url));

/** The short form of what `npx tsx test/e2e/survival.ts` measures in 100 rounds. */
describe('containers under an agent that dies', function () {
  this.timeout(900_000);

  before(function () {
    requires(this, { root: true, programs: ['busybox', 'unshare'] });
  });

  const survive = async (...flags: string[]) => {
    const args = ['--import', typescriptLoader, program, '--rounds', '10', '--containers', '20', ...flags];
    const { code, output } = await attempt(process.execPath, args, { quiet: true });
    assert.equal(code, 0, output);
    assert.match(output, /^0 lost, doubled or left behind/m, output);
  };

  it('lose no container, no line and no exit code when it is killed', () => survive());

  it('lose none when it is replaced by newer ones', () => survive('--upgrade'));
});
