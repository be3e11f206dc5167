import { readlinkSync } from 'node:fs';

/** Facts that a process sees about its own container, one string per key. */
export type View = ReadonlyMap<string, string>;

/** Printed by a shell in the container. `/proc/self` would be cat's own, which is as good: it inherits everything. */
export const probeScript = [
  'echo "== status"; cat /proc/self/status',
  'echo "== limits"; cat /proc/self/limits',
  'echo "== mountinfo"; cat /proc/self/mountinfo',
  'echo "== cgroup"; cat /proc/self/cgroup',
  'echo "== ns"; for n in cgroup ipc mnt net pid user uts; do echo "$n $(readlink /proc/self/ns/$n)"; done',
  'echo "== devices"; ls -l /dev | sed 1d',
  'echo "== uname"; hostname; cat /proc/sys/kernel/domainname',
  'echo "== process"; echo "pid $$"; pwd; id; tr "\\0" "\\n" < /proc/self/environ | sort',
  'echo "== masked"; for p in /proc/kcore /proc/keys /proc/timer_list /sys/firmware /proc/scsi; do echo "$p $(ls -A $p 2>&1 | head -c 60 | tr "\\n" " ")$(head -c 20 $p 2>&1 | tr "\\n" " ")"; done',
  'echo "== read-only"; for p in /proc/sys/kernel/hostname /proc/sysrq-trigger /sys/kernel/uevent_seqnum; do (: > $p) 2>&1 | sed "s/^sh: //"; done',
  'echo "== refused"; unshare -U true 2>&1; mount -t tmpfs x /mnt 2>&1; mknod /tmp/null c 1 3 2>&1 && echo mknod works; rm -f /tmp/null; chroot / true 2>&1 && echo chroot works; true',
].join('; ');

/** Reads what the script printed. `hostNamespaces` are the host's `ns` links, so that a shared one shows as `host`. */
export function readView(output: string, { hostNamespaces, id }: { hostNamespaces: View; id: string }): View {
  const view = new Map<string, string>();
  let section = '';
  let line = 0;
  for (const text of output.replaceAll(id, 'ID').replaceAll(id.slice(0, 12), 'SHORT').split('\n')) {
    const header = /^== (.*)$/.exec(text);
    if (header) {
      section = header[1] ?? '';
      line = 0;
    } else if (text !== '') {
      line += 1;
      for (const [key, value] of entriesOf(section, text, { line, hostNamespaces }))
        view.set(`${section} ${key}`, value);
    }
  }
  return view;
}

type Entry = readonly [key: string, value: string];

function entriesOf(section: string, text: string, context: { line: number; hostNamespaces: View }): readonly Entry[] {
  switch (section) {
    case 'status':
      return statusEntries(text);
    case 'mountinfo':
      return [mountEntry(text)];
    case 'ns': {
      const [kind = '', link = ''] = text.split(' ');
      return [[kind, context.hostNamespaces.get(kind) === link ? 'host' : 'own']];
    }
    case 'cgroup': {
      const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(text) ?? [];
      // Where an engine keeps its containers' cgroups is its own choice.
      return [[controllers || 'unified', path.replace(/^\/[^/]+\/ID$/, '/PARENT/ID')]];
    }
    case 'limits':
      return [[text.slice(0, 26).trim(), text.slice(26).replace(/ +/g, ' ').trim()]];
    case 'devices': {
      // Mode, links, owner, group, major and minor (or size), date, name and link target.
      const [mode = '', , owner = '', group = '', ...rest] = text.split(/ +/);
      const isNode = /^[bc]/.test(mode);
      const numbers = isNode ? rest.slice(0, 2).join('') : '';
      return [[rest.slice(isNode ? 5 : 4).join(' '), `${mode} ${owner} ${group} ${numbers}`.trim()]];
    }
    default:
      // A key has a number of its own.
      return [[`${context.line}`, text.replace(/(\/proc\/keys) [0-9a-f]{8} /, '$1 KEY ')]];
  }
}

const wanted = /^(Uid|Gid|Groups|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp|Seccomp_filters|Umask)$/;

function statusEntries(text: string): readonly Entry[] {
  const [key = '', value = ''] = text.split(':').map((part) => part.replace(/\s+/g, ' ').trim());
  return wanted.test(key) ? [[key, value]] : [];
}

/** `mount point` -> `type options`: ids, device numbers, host paths and overlay's uuid (on for a fresh upper) differ by nature. */
function mountEntry(text: string): Entry {
  const [left = '', right = ''] = text.split(' - ');
  const [, , , rootOfMount = '', point = '', options = '', ...propagation] = left.split(' ');
  const [type = '', , superOptions = ''] = right.split(' ');
  const stable = superOptions
    .split(',')
    .filter((option) => !/^(lowerdir|upperdir|workdir|uuid|size|nr_inodes|inode64)/.test(option))
    .sort();
  const bound = type !== 'overlay' && rootOfMount !== '/' ? ` of ${rootOfMount.split('/').at(-1)}` : '';
  return [
    point,
    `${type}${bound} ${options} ${propagation.join(' ').replace(/:\d+/g, '')} ${stable.join(',')}`.replace(/ +/g, ' '),
  ];
}

/** Keys whose values differ, as `key: ours | theirs`. */
export function compareViews(ours: View, theirs: View): Map<string, string> {
  const differences = new Map<string, string>();
  for (const key of [...new Set([...ours.keys(), ...theirs.keys()])].sort()) {
    const [a, b] = [ours.get(key) ?? 'absent', theirs.get(key) ?? 'absent'];
    if (a !== b) differences.set(key, `${a} | ${b}`);
  }
  return differences;
}

/** The host's `ns` links by kind. */
export function hostNamespaces(): View {
  return new Map(
    ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'].map((kind) => [kind, readlinkSync(`/proc/self/ns/${kind}`)]),
  );
}
