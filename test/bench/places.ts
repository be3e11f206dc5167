import type { Engine } from '../conformance/engine.ts';
import { docker } from '../conformance/engine.ts';
import type { Api } from './api.ts';

/** One engine as the `docker` command and as a bare client see it. */
export interface Place {
  readonly engine: Engine;
  readonly api: Api;
}

/** Both engines, with the same image. */
export interface Places {
  readonly ours: Place;
  readonly theirs: Place;
  readonly image: string;
  /** Pid of our agent. */
  readonly agentPid: number;
  /** The bench is to end. The engines go, so a `docker` command that runs ends by itself. */
  readonly signal: AbortSignal;
}

/** Runs a `docker` command that has to succeed. */
export async function must({ engine }: Place, args: readonly string[], timeoutMs = 60_000): Promise<void> {
  const { code, stderr } = await docker(engine, args, { timeoutMs });
  if (code !== 0) throw new Error(`docker ${args.join(' ')} on ${engine.name}: ${stderr}`);
}

/** Runs tasks with no more than `width` of them under way. */
export async function sideBySide(
  count: number,
  options: { readonly width: number },
  task: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await task(index);
  };
  await Promise.all(Array.from({ length: options.width }, worker));
}
