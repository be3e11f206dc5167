import { randomBytes } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { killCgroup, removeCgroup } from '../../../src/agent/cgroup/leftovers.ts';
import { defaultSpec } from '../../../src/agent/oci/defaults.ts';
import type { Process, Spec } from '../../../src/agent/oci/runtime.ts';
import { containerCgroupPath } from '../../../src/agent/plan/cgroup-path.ts';
import { compile, compileExec } from '../../../src/agent/plan/compile.ts';
import type { ContainerFacts, HostFacts } from '../../../src/agent/plan/facts.ts';
import type { Plan } from '../../../src/agent/plan/operations.ts';
import { createShims } from '../../../src/agent/shim/client.ts';
import type { ExitRecord, Shims, StartedShim } from '../../../src/agent/shim/contract.ts';
import { fileBinds } from '../../../src/agent/sys/binds.ts';
import { readHostFacts } from '../../../src/agent/sys/facts.ts';
import { startTicks } from '../../../src/agent/sys/proc.ts';
import { freshShim } from '../shim/rig.ts';

/** One container on a busybox image in a temporary directory, run by compiled plans on the real kernel. */
export class Bundle {
  readonly directory = mkdtempSync('/tmp/porthole-plan-test-');
  readonly id = randomBytes(8).toString('hex');
  readonly host: HostFacts;
  readonly shims: Shims;
  readonly #started: StartedShim[] = [];

  static async make(): Promise<Bundle> {
    return new Bundle(await readHostFacts(), createShims({ path: freshShim() }));
  }

  private constructor(host: HostFacts, shims: Shims) {
    this.host = host;
    this.shims = shims;
    for (const name of ['layer/bin', 'layer/etc', 'upper', 'work', 'rootfs', 'run'])
      mkdirSync(this.path(name), { recursive: true });
    copyFileSync('/bin/busybox', this.path('layer/bin/busybox'));
    chmodSync(this.path('layer/bin/busybox'), 0o755);
    for (const name of applets) symlinkSync('busybox', this.path('layer/bin', name));
  }

  path(...parts: string[]): string {
    return join(this.directory, ...parts);
  }

  get cgroup(): string {
    return containerCgroupPath(this.id);
  }

  /** Docker's defaults for a shell script, changed as a test wants it. */
  spec(
    script: string,
    change: { readonly process?: Partial<Process>; readonly linux?: Partial<Spec['linux']> } & Partial<
      Omit<Spec, 'process' | 'linux'>
    > = {},
  ): Spec {
    const { process, linux, ...rest } = change;
    const user = process?.user ?? { uid: 0, gid: 0 };
    const base = defaultSpec({
      process: { args: ['sh', '-c', script], env: ['PATH=/bin'], cwd: '/', user },
      hostname: 'inside',
      host: this.host,
    });
    return {
      ...base,
      ...rest,
      process: { ...base.process, ...process },
      linux: { ...base.linux, cgroupsPath: this.cgroup, ...linux },
    };
  }

  async facts(spec: Spec, options: { readonly stdin?: boolean } = {}): Promise<ContainerFacts> {
    return {
      id: this.id,
      rootfs: this.path('rootfs'),
      overlay: { base: this.directory, lowers: ['layer'], upper: this.path('upper'), work: this.path('work') },
      fileBinds: await fileBinds(spec),
      socket: this.path('run/shim.sock'),
      log: this.path('log'),
      record: this.path('run/exit'),
      stdin: options.stdin ?? false,
    };
  }

  async start(
    spec: Spec,
    onOutput: (text: string) => void = () => undefined,
    host = this.host,
  ): Promise<{ plan: Plan; shim: StartedShim }> {
    const plan = compile(spec, { host, container: await this.facts(spec) });
    return { plan, shim: await this.#run(plan, onOutput) };
  }

  /** Runs to the end. */
  async run(spec: Spec, host = this.host): Promise<{ output: string; exit: ExitRecord; plan: Plan }> {
    let output = '';
    const { plan, shim } = await this.start(
      spec,
      (text) => {
        output += text;
      },
      host,
    );
    const exit = await shim.exited;
    return { output, exit, plan };
  }

  /** One more process in a running container, run to its end. */
  async exec(shim: StartedShim, spec: Spec, process: Process): Promise<{ output: string; exit: ExitRecord }> {
    const ticks = (await startTicks(shim.pid)) ?? 0n;
    const container = { pid: shim.pid, startTicks: ticks, spec };
    const plan = compileExec(process, { host: this.host, container, stdin: false });
    let output = '';
    const added = await this.#run(plan, (text) => {
      output += text;
    });
    return { exit: await added.exited, output };
  }

  async dispose(): Promise<void> {
    await killCgroup(this.host.cgroup, this.cgroup);
    await Promise.allSettled(this.#started.map((shim) => shim.exited));
    await removeCgroup(this.host.cgroup, this.cgroup);
    rmSync(this.directory, { recursive: true, force: true });
  }

  async #run(plan: Plan, onOutput: (text: string) => void): Promise<StartedShim> {
    const shim = await this.shims.start(plan, { onOutput: ({ data }) => onOutput(data.toString()) });
    this.#started.push(shim);
    return shim;
  }
}

const applets = [
  'sh',
  'cat',
  'echo',
  'hostname',
  'id',
  'ls',
  'mount',
  'mkdir',
  'mknod',
  'mktemp',
  'ps',
  'pwd',
  'sleep',
  'stat',
  'touch',
  'true',
  'ulimit',
  'umask',
  'chmod',
  'dd',
  'grep',
  'tail',
  'ip',
  'readlink',
];

/** Waits for a condition; never for a time. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
