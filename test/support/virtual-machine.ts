import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { attempt, freePort, type Running, start, until } from '../../scripts/processes.ts';
import { vmDisk, vmUsers } from '../../scripts/vm-disk.ts';
import { messageOf } from '../../src/base/errors.ts';
import { which } from './tools.ts';

/** A second Linux host: Debian with systemd and cgroup v2, without Node, behind SSH. */
export interface VirtualMachine {
  /** SSH client configuration with `Host vm` (root) and a host named after each of `vmUsers`; nothing of the user's is in it. */
  readonly configFile: string;
  /** Runs a shell command there, as root or as another user; rejects with its output when it does not end with 0. */
  run(command: string, as?: VmUser): Promise<string>;
  /** Runs a shell command there to whatever end. */
  attempt(command: string, as?: VmUser): Promise<{ readonly code: number; readonly output: string }>;
  /** Waits until the guest has gone down and come up again. */
  reboot(): Promise<void>;
  /** What the guest's kernel and systemd wrote on the serial line. */
  console(): string;
  stop(): Promise<void>;
}

export type VmUser = keyof typeof vmUsers;

/** Boots a copy-on-write guest under QEMU's interpreter (no KVM needed): 15 to 25 s until SSH answers. */
export async function startVirtualMachine(): Promise<VirtualMachine> {
  const parts = await vmDisk((line) => console.log(`      ${line}`));
  const dir = await mkdtemp('/tmp/porthole-vm-');
  const port = await freePort();
  const configFile = join(dir, 'config');
  await writeFile(join(dir, 'known_hosts'), `[127.0.0.1]:${port} ${parts.hostKey}\n`);
  await writeFile(
    configFile,
    // `Host vm` is root, each other user's host has the user's name.
    Object.entries({ vm: 'root', ...Object.fromEntries(Object.keys(vmUsers).map((name) => [name, name])) })
      .flatMap(([host, name]) => [
        `Host ${host}`,
        '  HostName 127.0.0.1',
        `  Port ${port}`,
        `  User ${name}`,
        `  IdentityFile ${parts.clientKey}`,
        '  IdentitiesOnly yes',
        '  IdentityAgent none',
        `  UserKnownHostsFile ${join(dir, 'known_hosts')}`,
        '  GlobalKnownHostsFile /dev/null',
        '  StrictHostKeyChecking yes',
        '',
      ])
      .join('\n'),
  );
  const boot = () =>
    start(which('qemu-system-x86_64') ?? 'qemu-system-x86_64', [
      ...['-accel', 'tcg,thread=multi,tb-size=512', '-cpu', 'max', '-smp', '2', '-m', '2048'],
      ...['-kernel', parts.kernel, '-initrd', parts.initrd],
      ...['-append', 'root=/dev/vda rw console=ttyS0 quiet loglevel=4 mitigations=off psi=1 random.trust_cpu=on'],
      ...['-drive', `file=${parts.disk},format=raw,if=virtio,snapshot=on`],
      ...['-nic', `user,model=virtio-net-pci,hostfwd=tcp:127.0.0.1:${port}-:22`],
      ...['-device', 'virtio-rng-pci', '-display', 'none', '-serial', 'stdio', '-monitor', 'none'],
    ]);
  let qemu = boot();
  const ssh = (command: string, as?: VmUser) =>
    attempt('ssh', ['-F', configFile, '-o', 'ConnectTimeout=10', as ?? 'vm', command], { quiet: true });
  const run = async (command: string, as?: VmUser): Promise<string> => {
    const { code, output } = await ssh(command, as);
    if (code !== 0) throw new Error(`in the virtual machine, ${command}: ended with ${code}\n${output}`.trimEnd());
    return output;
  };
  const bootId = async () => {
    if (!(await greets(port))) return undefined;
    const { code, output } = await ssh('cat /proc/sys/kernel/random/boot_id');
    return code === 0 ? output.trim() : undefined;
  };
  const untilUp = (options: { readonly last?: string; readonly mayHang?: boolean } = {}) =>
    until(
      'the virtual machine answers',
      async () => {
        checkAlive(qemu);
        if (options.mayHang === true && qemu.output().includes('soft lockup')) throw new Error('its kernel hangs');
        const id = await bootId();
        return id !== undefined && id !== options.last;
      },
      { timeoutMs: options.mayHang === true ? 240_000 : 400_000, everyMs: 200 },
    );
  const stop = async () => {
    await qemu.stop(2_000);
    await rm(dir, { recursive: true, force: true });
  };
  try {
    // An emulated kernel can hang in its drivers. Nothing of ours is on the disk yet, so a second start hides nothing.
    await untilUp({ mayHang: true }).catch(async (failure: unknown) => {
      console.log(
        `      the virtual machine is started once more: ${messageOf(failure)}\n${qemu.output().slice(-1000)}`,
      );
      await qemu.stop(2_000);
      qemu = boot();
      await untilUp();
    });
  } catch (failure) {
    await stop();
    throw new Error(`${messageOf(failure)}; its console ended with\n${qemu.output().slice(-2000)}`, { cause: failure });
  }
  return {
    configFile,
    run,
    attempt: ssh,
    async reboot() {
      const before = await bootId();
      // The connection dies with the guest: how the command ends says nothing.
      await ssh('systemctl reboot');
      await untilUp(before === undefined ? {} : { last: before });
    },
    console: () => qemu.output(),
    stop,
  };
}

function checkAlive(qemu: Running): void {
  const end = qemu.end();
  if (end !== undefined) throw new Error(`the virtual machine ended (${end})\n${qemu.output()}`.trimEnd());
}

/** QEMU takes connections before the guest does: sshd has to say its name. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.setTimeout(2_000, () => answer(false));
    socket.once('data', (data) => answer(data.toString().startsWith('SSH-')));
    socket.once('error', () => answer(false));
    socket.once('close', () => answer(false));
  });
}
