import type { HostConfig } from '../../protocol/docker.ts';
import type { SpecMount } from '../oci/runtime.ts';
import { invalid } from './errors.ts';
import { propagations } from './mount-modes.ts';
import { checkedTarget } from './mount-target.ts';

const flags = [
  ...['exec', 'noexec', 'suid', 'nosuid', 'dev', 'nodev', 'ro', 'rw', 'sync', 'async', 'atime', 'noatime'],
  ...['diratime', 'nodiratime', 'relatime', 'norelatime', 'strictatime', 'nostrictatime'],
];
const values = ['size', 'mode', 'uid', 'gid', 'nr_inodes', 'nr_blocks', 'mpol'];

/** `docker run --tmpfs`: mounts of their own, which Docker does not count among a container's `Mounts`. */
export function tmpfsMounts(host: HostConfig): SpecMount[] {
  return Object.entries(host.Tmpfs ?? {}).map(([path, text]) => ({
    destination: checkedTarget(path, invalid),
    type: 'tmpfs',
    source: 'tmpfs',
    options: tmpfsOptions(text),
  }));
}

/** Docker's defaults and what the user says. @throws invalid for an option that tmpfs(5) has not. */
export function tmpfsOptions(text: string): string[] {
  const given = text === '' ? [] : text.split(',');
  for (const option of given) {
    const name = option.split('=')[0] ?? '';
    const known = option.includes('=')
      ? values.includes(name)
      : flags.includes(option) || propagations.includes(option);
    if (!known) throw invalid(`invalid tmpfs option ["${option}"]`);
  }
  // Later options replace earlier ones of the same kind: exec replaces the default noexec.
  const merged = new Map<string, string>();
  for (const option of ['noexec', 'nosuid', 'nodev', 'rprivate', ...given]) merged.set(kindOf(option), option);
  return [...merged.values()];
}

function kindOf(option: string): string {
  if (propagations.includes(option)) return 'propagation';
  if (option === 'ro' || option === 'rw') return 'rw';
  return (option.split('=')[0] ?? '').replace(/^no(?!r?_)(?=exec|suid|dev|atime|diratime|relatime|strictatime)/, '');
}

type MountOptions = NonNullable<NonNullable<HostConfig['Mounts']>[number]['TmpfsOptions']>;

/** TmpfsOptions of a mount as `--tmpfs` has them. @param wrong makes the error. */
export function tmpfsText(options: MountOptions | undefined, readOnly: boolean, wrong: (why: string) => Error): string {
  const { SizeBytes: size = 0, Mode: mode = 0, Options: more = [] } = options ?? {};
  const extra = more.map((pair) => {
    const [name = ''] = pair;
    if (pair.length < 1 || pair.length > 2) throw wrong('invalid option array length');
    if (!['exec', 'noexec'].includes(name)) throw wrong(`invalid option: ${name}`);
    return pair.join('=');
  });
  return [
    ...(readOnly ? ['ro'] : []),
    ...(mode !== 0 ? [`mode=${mode.toString(8)}`] : []),
    ...(size !== 0 ? [`size=${size}`] : []),
    ...extra,
  ].join(',');
}
