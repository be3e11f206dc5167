import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import type { Operation } from '../../../src/agent/plan/operations.ts';
import type { StartedShim } from '../../../src/agent/shim/contract.ts';
import { clone, mount, ms, Rig, until, why } from './rig.ts';

describe('the shim’s terminal', () => {
  let rig: Rig;
  let shown = '';
  beforeEach(() => {
    rig = new Rig();
    shown = '';
  });
  afterEach(() => rig.dispose());

  function open(script: string, more: readonly Operation[] = []): Promise<StartedShim> {
    const root = rig.busyboxRoot();
    mkdirSync(`${root}/dev/pts`, { recursive: true });
    const child: Operation[] = [
      mount('', '/', '', ms.rec | ms.private),
      mount('devpts', `${root}/dev/pts`, 'devpts', 0n, 'newinstance,ptmxmode=0666,mode=0620'),
      mount('proc', `${root}/proc`, 'proc'),
      { op: 'mknod', path: `${root}/dev/tty`, mode: 0o020666, major: 5, minor: 0, why },
      { op: 'chroot', path: root, why },
      { op: 'chdir', path: '/', why },
      { op: 'terminal', console: '/dev/console', rows: 0, columns: 0, why },
      ...more,
      {
        op: 'exec',
        file: '/bin/busybox',
        argv: ['sh', '-c', `alias busybox=/bin/busybox; ${script}`],
        env: ['PATH=/bin'],
        search: '',
        why,
      },
    ];
    return rig.start(child, {
      flags: clone.newns | clone.pid,
      terminal: true,
      stdin: true,
      files: ['log', 'listen'],
      onOutput: ({ stream, data }) => {
        assert.equal(stream, 'stdout');
        shown += data.toString();
      },
    });
  }

  it('is stdio, controlling terminal and console; its input is echoed', async () => {
    const shim = await open(
      '/bin/busybox tty; [ /dev/console -ef /dev/pts/0 ] && echo console; read line; echo "<$line>" > /dev/tty; exit 3',
    );
    await until(() => shown.includes('console'), 'the program runs');
    await shim.write(Buffer.from('typed\r'));
    assert.equal((await shim.exited).exitCode, 3);
    assert.equal(shown, '/dev/pts/0\r\nconsole\r\ntyped\r\n<typed>\r\n');
  });

  it('resizes, and the program hears of it', async () => {
    const shim = await open(
      'trap "/bin/busybox stty size; exit 6" WINCH; echo ready; while :; do /bin/busybox usleep 1000; done',
    );
    await until(() => shown.includes('ready'), 'the trap is set');
    shim.resize({ rows: 43, columns: 132 });
    assert.equal((await shim.exited).exitCode, 6);
    assert.match(shown, /43 132/);
  });

  it('carries ^C as a signal to the foreground', async () => {
    const shim = await open(
      'trap "echo interrupted; exit 7" INT; echo ready; while :; do /bin/busybox usleep 1000; done',
    );
    await until(() => shown.includes('ready'), 'the trap is set');
    await shim.write(Buffer.from([3]));
    assert.equal((await shim.exited).exitCode, 7);
    assert.match(shown, /interrupted/);
  });

  it('delivers everything up to the end, and keeps stdin open for later clients', async () => {
    const shim = await open('read line; i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; printf last');
    shim.closeStdin();
    const other = await rig.shims.connect(rig.path('listen'));
    await other.write(Buffer.from('go\r'));
    assert.equal((await shim.exited).exitCode, 0);
    other.disconnect();
    const lines = shown.split('\r\n');
    assert.deepEqual([lines.length, lines[1], lines.at(-2), lines.at(-1)], [2002, 'line 0', 'line 1999', 'last']);
    assert.ok(existsSync(rig.path('log')));
  });

  it('goes on when a program closes it for a while', async () => {
    const shim = await open(
      'exec < /dev/null > /dev/null 2>&1; /bin/busybox usleep 300000; exec < /dev/console > /dev/console 2>&1; echo back; read line; exit 4',
      [{ op: 'touch', path: '/dev/null', mode: 0o666, why }],
    );
    await until(() => shown.includes('back'), 'the console is open again');
    await shim.write(Buffer.from('\r'));
    assert.equal((await shim.exited).exitCode, 4);
  });

  it('belongs to the user of the program', async () => {
    const shim = await open('echo through > /dev/console; exit 0', [
      { op: 'fchown', fd: 0, uid: 4321, gid: 0xffffffff, why },
      { op: 'setuid', uid: 4321, why },
    ]);
    await shim.exited;
    assert.equal(shown, 'through\r\n');
  });
});
