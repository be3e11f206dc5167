import { printedDuration } from '../../base/go-duration.ts';
import { longestTimer } from '../../base/timer.ts';
import type { Output } from '../shim/contract.ts';
import type { Container } from './container.ts';
import type { ExecOptions, ProbeResult } from './contract.ts';
import { announce, type Engine } from './engine.ts';
import { createExec, type Exec, startExec } from './exec.ts';
import { forgetExecFiles } from './exec-files.ts';
import {
  afterProbe,
  type HealthCheck,
  healthCheckOf,
  keptOutput,
  startingHealth,
  untilNextProbe,
  unwatchedHealth,
} from './health.ts';
import type { OutputClient } from './output.ts';
import { timestamp } from './record.ts';
import { SIGKILL } from './signals.ts';

/** Exit code of a probe that could not be run or took too long. */
const noAnswer = -1;

/** What watches the health of one life; dispose it to stop. */
export interface HealthMonitor {
  dispose(): void;
}

/** A life begins: its health is unknown. */
export function resetHealth(container: Container): void {
  const { state, config } = container.record;
  const { health: _old, ...rest } = state;
  const health = healthCheckOf(config) ? { health: startingHealth(state.health) } : {};
  container.change({ state: { ...rest, ...health } });
}

/** Begins to probe a running container, where it has a check; also one that a new agent found or that was unpaused. */
export function watchHealth(engine: Engine, container: Container): void {
  container.health?.dispose();
  container.health = undefined;
  const check = healthCheckOf(container.record.config);
  if (!check || container.record.state.status !== 'running') return;
  if (!container.record.state.health) resetHealth(container);
  container.health = new Monitor(engine, container, check);
}

/** Paused or ended. */
export function unwatchHealth(container: Container): void {
  if (!container.health) return;
  container.health.dispose();
  container.health = undefined;
  const { state } = container.record;
  if (state.health) container.change({ state: { ...state, health: unwatchedHealth(state.health) } });
}

class Monitor implements HealthMonitor {
  readonly #engine: Engine;
  readonly #container: Container;
  readonly #check: HealthCheck;
  readonly #startedAt: number;
  #timer: NodeJS.Timeout | undefined;
  #running: Exec | undefined;
  #over = false;

  constructor(engine: Engine, container: Container, check: HealthCheck) {
    this.#engine = engine;
    this.#container = container;
    this.#check = check;
    this.#startedAt = Date.parse(container.record.state.startedAt);
    this.#schedule();
  }

  dispose(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    this.#running?.shim?.signal(SIGKILL);
  }

  #schedule(): void {
    const { health } = this.#container.record.state;
    if (this.#over || !health) return;
    const life = { check: this.#check, startedAt: this.#startedAt, now: Date.now() };
    this.#timer = setTimeout(
      () => {
        this.#probe().finally(() => this.#schedule());
      },
      Math.min(untilNextProbe(health.status, life), longestTimer),
    );
  }

  async #probe(): Promise<void> {
    const start = timestamp(Date.now());
    const { exitCode, output } = await this.#run().catch((failure: unknown) => ({
      exitCode: noAnswer,
      output: failure instanceof Error ? failure.message : String(failure),
    }));
    this.#take({ start, end: timestamp(Date.now()), exitCode, output });
  }

  async #run(): Promise<{ exitCode: number; output: string }> {
    const container = this.#container;
    const options: ExecOptions = {
      argv: this.#check.argv,
      env: [],
      tty: false,
      privileged: false,
      attachStdin: false,
      attachStdout: true,
      attachStderr: true,
      ...(container.record.config.WorkingDir ? { workingDir: container.record.config.WorkingDir } : {}),
    };
    const exec = createExec(this.#engine, container, options, { given: container.id, isProbe: true });
    const output = new FirstBytes();
    let isLate = false;
    const timer = setTimeout(
      () => {
        isLate = true;
        exec.shim?.signal(SIGKILL);
      },
      Math.min(this.#check.timeout, longestTimer),
    );
    this.#running = exec;
    try {
      await startExec(this.#engine, exec, { detach: false, tty: false, into: output });
      // Stopped, or late, while it was being started.
      if (this.#over || isLate) exec.shim?.signal(SIGKILL);
      await output.ended;
    } finally {
      clearTimeout(timer);
      this.#running = undefined;
      this.#engine.execs.delete(exec.id);
      container.execs.delete(exec.id);
      void forgetExecFiles(container, exec.id);
    }
    const text = output.text();
    if (!isLate) return { exitCode: exec.exitCode ?? noAnswer, output: text };
    const words = `Health check exceeded timeout (${printedDuration(this.#check.timeout)})`;
    return { exitCode: noAnswer, output: text === '' ? words : `${words}: ${text}` };
  }

  #take(result: ProbeResult): void {
    const { state } = this.#container.record;
    if (this.#over || !state.health) return;
    const health = afterProbe(state.health, result, { check: this.#check, startedAt: this.#startedAt });
    this.#container.change({ state: { ...state, health } });
    const { status, failingStreak } = state.health;
    // What an agent that comes next has to know; the results themselves it will make anew.
    if (health.status !== status || health.failingStreak !== failingStreak)
      this.#container.save().catch(() => undefined);
    if (health.status !== status) announce(this.#engine, this.#container, `health_status: ${health.status}`);
  }
}

/** The beginning of a probe's output; the rest is read and forgotten. */
class FirstBytes implements OutputClient {
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #isCut = false;
  #end: () => void = () => undefined;
  readonly ended = new Promise<void>((resolve) => {
    this.#end = resolve;
  });

  offer({ data }: Output): void {
    const part = data.subarray(0, keptOutput - this.#size);
    if (part.length > 0) this.#chunks.push(Buffer.from(part));
    this.#size += part.length;
    this.#isCut ||= part.length < data.length;
  }

  drain(): void {}

  finish(): void {
    this.#end();
  }

  text(): string {
    return `${Buffer.concat(this.#chunks).toString()}${this.#isCut ? '...' : ''}`;
  }
}
