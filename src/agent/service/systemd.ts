import { PortholeError } from '../../base/errors.ts';
import { isThere, readIfThere } from '../sys/files.ts';
import { runProgram } from '../sys/program.ts';

const noSystemd = (init: string) =>
  new PortholeError(
    'unsupported',
    `the agent can be a service of systemd only, and this host was started by ${init}; "porthole-agent serve" can be put into that one's own configuration`,
  );
const failed = (command: string, said: string) =>
  new PortholeError('unavailable', `${command} failed: ${said.trim() || 'it said nothing'}`);

/** sd_booted(3): systemd is the init of this host. */
export function hasSystemd(): Promise<boolean> {
  return isThere('/run/systemd/system');
}

/** @throws unsupported, naming the init that there is instead */
export async function requireSystemd(): Promise<void> {
  if (await hasSystemd()) return;
  const name = ((await readIfThere('/proc/1/comm')) ?? '').trim();
  throw noSystemd(name === '' ? 'another init' : JSON.stringify(name));
}

/** The manager of the host's units, or the one that a user with a login session has: systemd.unit(5). */
export class Systemd {
  readonly kind: 'system' | 'user';

  constructor(kind: 'system' | 'user') {
    this.kind = kind;
  }

  /** Runs systemctl. @throws unavailable with its words when it does not end with 0 */
  ctl(...args: string[]): Promise<string> {
    return must('systemctl', [...this.#where(), ...args]);
  }

  /** Properties of a unit by name; '' for what it does not have. */
  async properties<Name extends string>(unit: string, ...names: readonly Name[]): Promise<(name: Name) => string> {
    const lines = (await this.ctl('show', '--property', names.join(','), unit)).split('\n');
    return (name) => lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
  }

  /** systemd-run(1): a unit without a file. */
  async run(unit: string, args: readonly string[]): Promise<void> {
    await must('systemd-run', [...this.#where(), '--quiet', `--unit=${unit}`, ...args]);
  }

  /**
   * Has systemd itself move processes to a cgroup below a unit's; '': to the unit's own. Nobody else writes outside of what is
   * delegated. See AttachProcessesToUnit in org.freedesktop.systemd1(5).
   */
  async attach(unit: string, below: string, pids: readonly number[]): Promise<void> {
    await must('busctl', [
      ...this.#where(),
      ...[
        'call',
        '--quiet',
        'org.freedesktop.systemd1',
        '/org/freedesktop/systemd1',
        'org.freedesktop.systemd1.Manager',
      ],
      ...['AttachProcessesToUnit', 'ssau', unit, below, String(pids.length), ...pids.map(String)],
    ]);
  }

  #where(): string[] {
    return this.kind === 'user' ? ['--user'] : [];
  }
}

async function must(program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args);
  if (code !== 0) throw failed([program, ...args].join(' '), stderr || stdout);
  return stdout;
}
