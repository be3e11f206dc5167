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

/** Runs systemctl. @throws unavailable with its words when it does not end with 0 */
export async function systemctl(...args: string[]): Promise<string> {
  return must('systemctl', args);
}

export async function must(program: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(program, args);
  if (code !== 0) throw failed([program, ...args].join(' '), stderr || stdout);
  return stdout;
}

/** Properties of a unit by name; '' for what it does not have. */
export async function unitProperties<Name extends string>(
  unit: string,
  ...names: readonly Name[]
): Promise<(name: Name) => string> {
  const lines = (await systemctl('show', '--property', names.join(','), unit)).split('\n');
  return (name) => lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
}
