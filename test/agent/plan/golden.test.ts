import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Process, Spec } from '../../../src/agent/oci/runtime.ts';
import { compile, compileExec } from '../../../src/agent/plan/compile.ts';
import type { ContainerFacts } from '../../../src/agent/plan/facts.ts';
import type { Plan } from '../../../src/agent/plan/operations.ts';
import { renderPlan } from '../../../src/agent/plan/render.ts';
import { container, hosts } from './hosts.ts';

/**
 * A directory per case: config.json is the OCI configuration, case.json the host and what else `compile` is told,
 * plan.txt the rendered plan. UPDATE_GOLDEN=1 writes plan.txt anew: read the difference before committing it.
 */
interface Case {
  readonly host: keyof typeof hosts;
  readonly stdin?: boolean;
  readonly fileBinds?: readonly string[];
  readonly beneath?: ContainerFacts['beneath'];
  /** A foreign bundle: `rootfs` is the root file system itself. */
  readonly foreign?: boolean;
  /** Compiled as one more process of the configuration's running container. */
  readonly exec?: Process;
}

const directory = fileURLToPath(new URL('golden', import.meta.url));

describe('the plan of', () => {
  for (const name of readdirSync(directory)) {
    it(name, () => {
      const file = join(directory, name, 'plan.txt');
      const plan = renderPlan(planOf(name));
      if (process.env['UPDATE_GOLDEN']) writeFileSync(file, plan);
      assert.equal(plan, readFileSync(file, 'utf8'));
    });
  }
});

function planOf(name: string): Plan {
  const read = (file: string): unknown => JSON.parse(readFileSync(join(directory, name, file), 'utf8'));
  const { isSpec, isCase } = guards;
  const [spec, options] = [read('config.json'), read('case.json')];
  assert.ok(isSpec(spec) && isCase(options));
  const host = hosts[options.host];
  if (options.exec !== undefined) {
    const running = { pid: 4711, startTicks: 81516n, spec, id: container.id };
    return compileExec(options.exec, {
      host,
      container: running,
      stdin: options.stdin ?? false,
      socket: '/run/execs/1/shim.sock',
      madeFrom: [{ path: '/etc/passwd', identity: new Uint8Array(40) }],
    });
  }
  const { overlay, ...rest } = container;
  const { stdin = false, fileBinds = [], beneath = [] } = options;
  const base = options.foreign ? rest : { ...rest, ...(overlay ? { overlay } : {}) };
  return compile(spec, { host, container: { ...base, stdin, fileBinds, beneath } });
}

/** The cases are ours: it is enough to tell the two documents apart. */
const guards = {
  isSpec: (value: unknown): value is Spec => typeof value === 'object' && value !== null && 'ociVersion' in value,
  isCase: (value: unknown): value is Case => typeof value === 'object' && value !== null && 'host' in value,
};
