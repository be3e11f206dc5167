import { readFileSync } from 'node:fs';
import { differs, quiet, type Scenario, scenario, shell, withEvents } from '../scenario.ts';

const ownWords = 'ours names the step or the field, dockerd passes on what its runtime says';
/** Machines may lack a capability (CAP_SYS_RESOURCE mostly): runc then cannot give all, ours gives what there is. */
const bounding = BigInt(`0x${/^CapBnd:\t(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
const isWhole = /^[137]?f+$/.test(bounding.toString(16));
const fails = 'runc gives every capability or fails';
const needsAll = (line: string, stdout: string) => (isWhole ? line : differs(fails, line, { stdout }));
const eventsOfAll = (...ours: readonly string[]) => (isWhole ? {} : { differs: { why: fails, ours } });
/** What the machine has, without one of them. */
const allBut = (number?: bigint) => {
  const set = (bounding & ~(number === undefined ? 0n : 1n << number)).toString(16).padStart(16, '0');
  const [none, row] = ['0'.repeat(16), (name: string, value: string) => `Cap${name}:\t${value}\n`];
  return [row('Inh', none), row('Prm', set), row('Eff', set), row('Bnd', set), row('Amb', none)].join('');
};
const sysAdmin = 21n;
const lifeOf = (index: number) =>
  ['create', 'attach', 'start', 'die', 'destroy'].map(
    (action) => `container ${action} #${index} ${action === 'die' ? 'exitCode=0 ' : ''}image=busybox name=DRAWN`,
  );
const sysResource = 24n;
const isLowerable = ((bounding >> sysResource) & 1n) === 1n;
const lowering = 'run --rm --oom-score-adj -500 busybox cat /proc/self/oom_score_adj';
const caps = `grep -E 'Cap(Eff|Bnd|Prm|Inh|Amb)' /proc/self/status`;

/** Capabilities, privileges, seccomp, devices, sysctls, namespaces. */
export const securityScenarios: readonly Scenario[] = [
  scenario(
    'capabilities',
    `run --rm busybox ${caps}`,
    `run --rm --cap-add SYS_ADMIN --cap-drop MKNOD busybox ${caps}`,
    `run --rm --cap-drop ALL busybox ${caps}`,
    `run --rm --cap-drop ALL --cap-add CHOWN busybox ${caps}`,
    `run --rm --cap-add cap_net_admin busybox ${caps}`,
    `run --rm -u user busybox ${caps}`,
    `run --rm -u user --cap-add NET_RAW busybox ${caps}`,
    'create --cap-add NONSENSE busybox true',
    'create --cap-drop NONSENSE busybox true',
  ),
  withEvents(
    eventsOfAll(...lifeOf(0), ...lifeOf(1), 'container create #2 image=busybox name=cc'),
    scenario(
      'capabilities: all of them',
      needsAll(`run --rm --cap-add ALL busybox ${caps}`, allBut()),
      needsAll(`run --rm --cap-add ALL --cap-drop SYS_ADMIN busybox ${caps}`, allBut(sysAdmin)),
      `create --name cc --cap-add all --cap-drop net_raw busybox true`,
      `inspect -f '{{json .HostConfig.CapAdd}} {{json .HostConfig.CapDrop}}' cc`,
    ),
  ),
  withEvents(
    eventsOfAll(...lifeOf(0), ...lifeOf(1), ...lifeOf(2)),
    scenario(
      'privileged',
      needsAll(`run --rm --privileged busybox ${caps}`, allBut()),
      needsAll(
        `run --rm --privileged busybox sh -c 'mount -t tmpfs x /tmp && echo mounted; grep -E "Seccomp:|NoNew" /proc/self/status'`,
        'mounted\nNoNewPrivs:\t0\nSeccomp:\t0\n',
      ),
      needsAll(
        `run --rm --privileged busybox sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward && cat /proc/sys/net/ipv4/ip_forward'`,
        '1\n',
      ),
      'create --privileged --cap-add NONSENSE busybox true',
    ),
  ),
  scenario(
    'an OOM score that is lowered',
    isLowerable
      ? lowering
      : differs('runc ends without a word where the machine lacks the right; ours says which', lowering, {
          code: 125,
          stderr:
            "docker: Error response from daemon: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: echo -500 > /proc/self/oom_score_adj: write: EACCES: lowering it needs CAP_SYS_RESOURCE: unknown\n\nRun 'docker run --help' for more information\n",
        }),
  ),
  scenario(
    'security options',
    `run --rm --security-opt no-new-privileges busybox grep NoNewPrivs /proc/self/status`,
    `run --rm --security-opt no-new-privileges:false busybox grep NoNewPrivs /proc/self/status`,
    `run --rm --security-opt seccomp=unconfined busybox grep Seccomp: /proc/self/status`,
    'create --security-opt nonsense busybox true',
    'create --security-opt nonsense=1 busybox true',
    'create --security-opt no-new-privileges=maybe busybox true',
    'create --security-opt seccomp=nothere.json busybox true',
  ),
  scenario(
    'a seccomp profile of the user’s',
    quiet(
      shell(
        `printf '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO"}]}' > p.json; echo '{' > bad.json`,
      ),
    ),
    'run --rm --security-opt seccomp=p.json busybox mkdir /tmp/x',
    'run --rm --security-opt seccomp=p.json busybox touch /tmp/x',
    'run --rm --security-opt seccomp=bad.json busybox true',
  ),
  scenario(
    'paths that are masked or read-only',
    `run --rm busybox sh -c 'cat /proc/kcore | wc -c; ls /proc/scsi /sys/firmware | wc -l'`,
    `run --rm busybox sh -c 'echo 1 > /proc/sys/kernel/hostname'`,
    `run --rm busybox sh -c 'echo b > /proc/sysrq-trigger'`,
    `run --rm --security-opt systempaths=unconfined busybox sh -c 'grep -c /proc/ /proc/self/mounts'`,
    `run --rm busybox sh -c 'mount -t tmpfs x /tmp; mknod /tmp/n b 8 0; chroot / true; echo $?'`,
  ),
  scenario(
    'a root that is read-only',
    'run --rm --read-only busybox touch /x',
    'run --rm --read-only --tmpfs /t busybox touch /t/x',
    `run --rm --read-only busybox sh -c 'echo > /dev/shm/x; touch /etc/hosts && echo hosts'`,
    'run --rm --read-only -v /v busybox touch /v/x',
  ),
  scenario(
    'devices',
    `run --rm busybox sh -c 'ls /dev | grep -v core | tr "\\n" " "'`,
    `run --rm --device /dev/null:/dev/mine busybox sh -c 'ls -l /dev/mine | cut -c1-10; echo x > /dev/mine'`,
    `run --rm --device /dev/zero:/dev/mine:r busybox sh -c 'head -c 2 /dev/mine | wc -c; echo x > /dev/mine'`,
    'run --rm --device /dev/nothere busybox true',
    'run --rm --device /dev/null:/dev/x:z busybox true',
    `run --rm --device-cgroup-rule 'c 1:3 rwm' busybox true`,
    `create --device-cgroup-rule 'nonsense' busybox true`,
  ),
  withEvents(
    { differs: { why: 'ours refuses what it cannot do when it is asked to, not when it starts', ours: [] } },
    scenario('GPUs', 'run --rm --gpus all busybox true'),
  ),
  scenario(
    'sysctls',
    'run --rm --sysctl net.ipv4.ip_forward=1 busybox cat /proc/sys/net/ipv4/ip_forward',
    'run --rm --sysctl kernel.msgmax=4096 busybox cat /proc/sys/kernel/msgmax',
    'run --rm --sysctl kernel.hostname=x busybox true',
    'run --rm --sysctl vm.swappiness=1 busybox true',
    differs(ownWords, 'run --rm --sysctl net.ipv4.nothere=1 busybox true', {
      code: 127,
      stderr:
        "docker: Error response from daemon: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: echo 1 > /proc/sys/net/ipv4/nothere: sysctl: ENOENT (no such file or directory): unknown\n\nRun 'docker run --help' for more information\n",
    }),
    differs(ownWords, 'run --rm --network host --sysctl net.ipv4.ip_forward=1 busybox true', {
      code: 125,
      stderr:
        "docker: Error response from daemon: linux.sysctl net.ipv4.ip_forward: needs a network namespace of its own\n\nRun 'docker run --help' for more information\n",
    }),
    differs(ownWords, 'run --rm --ipc host --sysctl kernel.msgmax=4096 busybox true', {
      code: 125,
      stderr:
        "docker: Error response from daemon: linux.sysctl kernel.msgmax: needs an ipc namespace of its own\n\nRun 'docker run --help' for more information\n",
    }),
    'create --sysctl nonsense busybox true',
  ),
  scenario(
    'namespaces of the host',
    shell(
      `for n in pid ipc uts cgroupns network; do key=$n; case $n in cgroupns) ns=cgroup;; network) ns=net;; *) ns=$n;; esac
       inside=$(docker run --rm --$n host busybox readlink /proc/self/ns/$ns); test "$inside" = "$(readlink /proc/self/ns/$ns)" && echo $n shared; done`,
    ),
    'create --pid nonsense busybox true',
    'create --uts nonsense busybox true',
    'create --cgroupns nonsense busybox true',
    'create --userns nonsense busybox true',
    'create --uts host -h box busybox true',
  ),
  withEvents(
    { differs: { why: '20.10 takes a mode that does not exist; today’s dockerd refuses it', ours: [] } },
    scenario(
      'an IPC mode that does not exist',
      differs('as its events say', 'create --ipc nonsense busybox true', {
        code: 1,
        stderr: 'Error response from daemon: invalid IPC mode: nonsense\n',
      }),
    ),
  ),
  scenario(
    'namespaces of another container',
    quiet('run -d --name base --network none --ipc shareable -h base busybox sleep 100'),
    shell(
      `for n in pid ipc network; do case $n in network) ns=net;; *) ns=$n;; esac
       inside=$(docker run --rm --$n container:base busybox readlink /proc/self/ns/$ns)
       test "$inside" = "$(docker exec base readlink /proc/self/ns/$ns)" && echo $n shared; done`,
    ),
    'run --rm --network container:base busybox hostname',
    'run --rm --pid container:nobody busybox true',
    'run --rm --ipc container:nobody busybox true',
    'run --rm --uts container:base busybox true',
    'kill base',
    'wait base',
    differs('ours says what it has to do with it', 'run --rm --pid container:base busybox true', {
      code: 125,
      stderr:
        "docker: Error response from daemon: cannot join PID of a non running container: ID\n\nRun 'docker run --help' for more information\n",
    }),
    'run --rm --network container:base busybox true',
  ),
  scenario(
    'ipc modes',
    quiet('run -d --name own --ipc private busybox sleep 100'),
    'run --rm --ipc container:own busybox true',
    'run --rm --ipc none busybox ls -d /dev/shm',
    `inspect -f '{{.HostConfig.IpcMode}}' own`,
  ),
];
