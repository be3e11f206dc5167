import assert from 'node:assert/strict';
import { EventHub } from '../../src/agent/container/events.ts';
import { openRig, type Rig } from '../agent/container/rig.ts';
import { requires } from '../support/tools.ts';

describe('what clients make the agent remember', function () {
  this.timeout(60_000);
  let rig: Rig;
  before(async function () {
    requires(this, { root: true, programs: ['busybox'] });
    rig = await openRig();
  });
  after(() => rig?.close());

  it('of events: the last ones, and no more than some megabytes of them', () => {
    const hub = new EventHub(() => 1n);
    const announce = (action: string, text = '') =>
      hub.announce({ type: 'container', action, id: 'x', attributes: { label: text } });
    for (let count = 0; count < 300; count++) announce(`small ${count}`);
    assert.equal(hub.past().length, 256);
    for (let count = 0; count < 20; count++) announce(`large ${count}`, 'x'.repeat(3_000_000));
    assert.deepEqual(
      hub.past().map(({ action }) => action),
      ['large 18', 'large 19'],
    );
    announce('huge', 'x'.repeat(30_000_000));
    assert.equal(hub.past().length, 1, 'the newest stays, whatever its size');
    announce('small');
    assert.deepEqual(
      hub.past().map(({ action }) => action),
      ['small'],
    );
  });

  it('of execs that nobody starts: the last thousand', async () => {
    const id = await rig.run(['sleep', '100']);
    const options = { argv: ['true'], env: [], tty: false, privileged: false, attachStdin: false, attachStdout: true };
    const made: string[] = [];
    for (let count = 0; count < 1100; count++) {
      made.push((await rig.containers.execCreate(id, { ...options, attachStderr: true })).id);
    }
    assert.equal(rig.containers.execIds(id).length, 1024);
    const [first = '', last = ''] = [made[0], made.at(-1)];
    assert.throws(() => rig.containers.execInspect(first), /No such exec instance/);
    await rig.containers.execStart(last, { detach: true, tty: false });
    await rig.containers.remove(id, { force: true, volumes: true });
  });
});
