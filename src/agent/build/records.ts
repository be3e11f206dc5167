import { randomBytes } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import type { BuildRecord, StepRecord } from '../../protocol/builds.ts';
import type { ImageRecord } from '../store/contract.ts';
import { readJsonFile, writeDurable } from '../sys/durable.ts';

/** What was built, kept for a while: each build a file. */
export class BuildRecords {
  readonly #directory: string;
  /** Oldest first. */
  readonly #records: BuildRecord[];

  readonly #report: (failure: unknown) => void;
  #written: Promise<void> = Promise.resolve();

  private constructor(directory: string, records: BuildRecord[], report: (failure: unknown) => void) {
    this.#directory = directory;
    this.#records = records;
    this.#report = report;
  }

  /** @param report told of what could not be written. */
  static async open(directory: string, report: (failure: unknown) => void): Promise<BuildRecords> {
    const found: BuildRecord[] = [];
    for (const name of await readdir(directory)) {
      // One that cannot be read any more says nothing; it is no reason not to build.
      const value = await readJsonFile(join(directory, name)).catch(() => undefined);
      const result = v.safeParse(RecordFile, value);
      if (result.success && `${result.output.id}.json` === name) found.push(result.output);
      else await rm(join(directory, name), { force: true });
    }
    return new BuildRecords(
      directory,
      found.sort((a, b) => (a.started < b.started ? -1 : 1)),
      report,
    );
  }

  all(): BuildRecord[] {
    return [...this.#records].reverse();
  }

  begin(tags: readonly string[]): OpenRecord {
    return { id: randomBytes(8).toString('hex'), tags, started: Date.now(), steps: [] };
  }

  /** Nobody waits until it is on the disk: one that a crash takes is missed by nobody either. */
  finish(open: OpenRecord, end: { readonly imageId: string } | { readonly error: string }): void {
    const { id, tags, started } = open;
    const record: BuildRecord = {
      ...{ id, tags, started: new Date(started).toISOString(), milliseconds: Date.now() - started },
      ...end,
      steps: [...open.steps].sort((a, b) => a.step - b.step),
    };
    this.#records.push(record);
    const old = this.#records.splice(0, Math.max(0, this.#records.length - mostRecords));
    this.#written = this.#written.then(() => this.#write(record, old)).catch(this.#report);
  }

  /** Resolves when everything is on the disk. */
  settled(): Promise<void> {
    return this.#written;
  }

  async #write(record: BuildRecord, old: readonly BuildRecord[]): Promise<void> {
    await writeDurable(join(this.#directory, `${record.id}.json`), `${JSON.stringify(record)}\n`, { mode: 0o600 });
    for (const { id } of old) await rm(join(this.#directory, `${id}.json`), { force: true });
  }

  /** The steps that made an image and those below it; where several builds had the same, the one that did the work. */
  stepsOf(image: ImageRecord, find: (id: string) => ImageRecord | undefined): StepRecord[] {
    const found: StepRecord[] = [];
    for (let next: ImageRecord | undefined = image; next; next = next.parent ? find(next.parent) : undefined) {
      const { id } = next;
      const steps = this.#records.flatMap(({ steps }) => steps.filter(({ imageId }) => imageId === id));
      const step = steps.find(({ cached, instruction }) => !cached && !isFrom(instruction));
      if (step) found.push(step);
    }
    return found.reverse();
  }
}

const isFrom = (instruction: string): boolean => /^\s*from\s/i.test(instruction);
const mostRecords = 100;

/** A build on its way. */
export interface OpenRecord {
  readonly id: string;
  readonly tags: readonly string[];
  readonly started: number;
  readonly steps: StepRecord[];
}

const Lines = v.object({ start: v.number(), end: v.number() });
const StepFile = v.object({
  stage: v.number(),
  stageName: v.exactOptional(v.string()),
  step: v.number(),
  instruction: v.string(),
  lines: Lines,
  imageId: v.string(),
  layer: v.exactOptional(v.object({ chainId: v.string(), diffId: v.string() })),
  started: v.string(),
  milliseconds: v.number(),
  cached: v.boolean(),
});
const RecordFile = v.object({
  id: v.string(),
  tags: v.array(v.string()),
  started: v.string(),
  milliseconds: v.number(),
  imageId: v.exactOptional(v.string()),
  error: v.exactOptional(v.string()),
  steps: v.array(StepFile),
});
