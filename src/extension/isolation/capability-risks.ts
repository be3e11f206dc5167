import { type Phrase, phrase } from '../../base/phrases.ts';

/** What a capability that Docker takes away would let a container do, capabilities(7). `severe`: it leads out of the container. */
export const capabilityRisks: ReadonlyMap<string, { readonly severe: boolean; readonly why: Phrase }> = new Map([
  [
    'CAP_SYS_ADMIN',
    {
      severe: true,
      why: phrase('It mounts, joins namespaces and much more: with it there is hardly a container left.'),
    },
  ],
  ['CAP_SYS_MODULE', { severe: true, why: phrase('It loads modules into the host’s kernel.') }],
  ['CAP_SYS_RAWIO', { severe: true, why: phrase('It reads and writes the machine’s ports and memory.') }],
  [
    'CAP_SYS_PTRACE',
    { severe: true, why: phrase('It looks into other processes; with the host’s pid namespace into all of them.') },
  ],
  ['CAP_SYS_BOOT', { severe: true, why: phrase('It restarts the machine, or loads another kernel.') }],
  [
    'CAP_DAC_READ_SEARCH',
    { severe: true, why: phrase('It opens any file of a file system by its handle, also outside its root.') },
  ],
  ['CAP_BPF', { severe: true, why: phrase('It loads programs into the kernel that see what others do.') }],
  ['CAP_PERFMON', { severe: true, why: phrase('It watches the kernel and other programs at work.') }],
  ['CAP_MAC_ADMIN', { severe: true, why: phrase('It changes the rules of AppArmor and SELinux.') }],
  ['CAP_MAC_OVERRIDE', { severe: true, why: phrase('The rules of AppArmor and SELinux do not hold for it.') }],
  ['CAP_SYS_TIME', { severe: false, why: phrase('It sets the host’s clock.') }],
  [
    'CAP_NET_ADMIN',
    {
      severe: false,
      why: phrase(
        'It changes addresses, routes and filters of its network; with the host’s network those of the host.',
      ),
    },
  ],
  ['CAP_SYSLOG', { severe: false, why: phrase('It reads the kernel’s log and addresses.') }],
  ['CAP_SYS_NICE', { severe: false, why: phrase('It takes the processors before others.') }],
  [
    'CAP_SYS_RESOURCE',
    { severe: false, why: phrase('It goes beyond limits of disks and of the number of processes.') },
  ],
  ['CAP_IPC_LOCK', { severe: false, why: phrase('It keeps memory from being swapped out.') }],
]);
