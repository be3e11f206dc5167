import type { ContainerConfig } from '../../protocol/docker.ts';
import type { HealthState, ProbeResult } from './contract.ts';
import { invalid } from './errors.ts';

/**
 * Health checks as dockerd has them, as pure functions of results and times: a probe is a program that runs in the
 * container from time to time, exit code 0 is good. `health-monitor.ts` runs them.
 *
 *   starting --0--> healthy <--0 / Retries failures in a row--> unhealthy
 *
 * Failures within StartPeriod of a container that is still starting do not count.
 */
export interface HealthCheck {
  readonly argv: readonly string[];
  /** All in milliseconds. */
  readonly interval: number;
  readonly timeout: number;
  readonly startPeriod: number;
  readonly startInterval: number;
  readonly retries: number;
}

/** Docker's defaults, milliseconds. */
const defaults = { interval: 30_000, timeout: 30_000, startPeriod: 0, startInterval: 5_000, retries: 3 };
/** Results that `inspect` shows. */
const keptResults = 5;
/** Bytes of a probe's output that are kept. */
export const keptOutput = 4096;

type Healthcheck = ContainerConfig['Healthcheck'];

/** What is to be run; undefined when nothing is: no check, NONE, or a form that Docker does not know either. */
export function healthCheckOf(config: ContainerConfig): HealthCheck | undefined {
  const { Test: [kind, ...words] = [], ...check } = config.Healthcheck ?? {};
  if (kind !== 'CMD' && kind !== 'CMD-SHELL') return undefined;
  const shell = config.Shell?.length ? config.Shell : ['/bin/sh', '-c'];
  const time = (nanoseconds: number | undefined, otherwise: number) =>
    nanoseconds ? Math.max(1, nanoseconds / 1e6) : otherwise;
  return {
    argv: kind === 'CMD' ? words : [...shell, ...words],
    interval: time(check.Interval, defaults.interval),
    timeout: time(check.Timeout, defaults.timeout),
    startPeriod: time(check.StartPeriod, defaults.startPeriod),
    startInterval: time(check.StartInterval, defaults.startInterval),
    retries: check.Retries && check.Retries > 0 ? check.Retries : defaults.retries,
  };
}

/** The smallest duration, in nanoseconds, that is not "use the default". */
const shortest = 1_000_000;

/** @throws invalid in dockerd's words. */
export function checkHealthcheck(check: Healthcheck): void {
  for (const field of ['Interval', 'Timeout', 'StartPeriod', 'StartInterval'] as const) {
    const value = check?.[field] ?? 0;
    if (value !== 0 && value < shortest) throw invalid(`${field} in Healthcheck cannot be less than 1ms`);
  }
  if ((check?.Retries ?? 0) < 0) throw invalid('Retries in Healthcheck cannot be negative');
}

/** A container's own check, completed by the image's field by field. */
export function mergeHealthcheck(given: Healthcheck, image: Healthcheck): Healthcheck {
  if (!given || !image) return given ?? image;
  return {
    Test: given.Test?.length ? given.Test : image.Test,
    Interval: given.Interval || image.Interval,
    Timeout: given.Timeout || image.Timeout,
    StartPeriod: given.StartPeriod || image.StartPeriod,
    StartInterval: given.StartInterval || image.StartInterval,
    Retries: given.Retries || image.Retries,
  };
}

/** At the start of a life: the results of the one before stay to be seen. */
export function startingHealth(before: HealthState | undefined): HealthState {
  return { status: 'starting', failingStreak: 0, log: before?.log ?? [] };
}

/** A probe that nobody runs tells nothing good: Docker shows a container without its monitor as unhealthy. */
export function unwatchedHealth(before: HealthState): HealthState {
  return { ...before, status: 'unhealthy' };
}

/** @param life.startedAt milliseconds since the epoch. */
export function afterProbe(
  health: HealthState,
  result: ProbeResult,
  life: { readonly check: HealthCheck; readonly startedAt: number },
): HealthState {
  const log = [...health.log, result].slice(-keptResults);
  if (result.exitCode === 0) return { status: 'healthy', failingStreak: 0, log };
  const isGrace = health.status === 'starting' && Date.parse(result.start) - life.startedAt < life.check.startPeriod;
  if (isGrace) return { ...health, log };
  const failingStreak = health.failingStreak + 1;
  return { status: failingStreak >= life.check.retries ? 'unhealthy' : health.status, failingStreak, log };
}

/** Milliseconds until the next probe. @param life.now, life.startedAt milliseconds since the epoch. */
export function untilNextProbe(
  status: HealthState['status'],
  life: { readonly check: HealthCheck; readonly startedAt: number; readonly now: number },
): number {
  const { check, startedAt, now } = life;
  return now - startedAt < check.startPeriod && status === 'starting' ? check.startInterval : check.interval;
}
