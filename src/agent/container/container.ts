import { Signal } from '../../base/async.ts';
import { PortholeError } from '../../base/errors.ts';
import type { Spec } from '../oci/runtime.ts';
import type { StartedShim } from '../shim/contract.ts';
import type { ContainerState } from './contract.ts';
import type { EndingTry } from './ending.ts';
import type { Exec } from './exec.ts';
import type { HealthMonitor } from './health-monitor.ts';
import { OutputHub } from './output.ts';
import { type StoredRecord, saveRecord } from './record.ts';
import { after, type Move } from './state.ts';
import { TraceFile } from './trace-file.ts';
import type { KnownAccountFiles } from './users.ts';

/** Milliseconds in which a container that is removed at its end often ends. */
const patience = 50;

/** One run of the initial process, from exec to the handled exit. */
export interface Life {
  readonly shim: StartedShim;
  readonly pid: number;
}

export interface Exit {
  readonly exitCode: number;
  readonly error: string;
}

/** A container in memory: its record, what runs of it now, and who waits for it. Changes happen under the engine's lock of its id. */
export class Container {
  readonly id: string;
  /** DATA_ROOT/containers/ID */
  readonly directory: string;
  /** EXEC_ROOT/containers/ID: there while it runs. */
  readonly runtime: string;
  readonly output = new OutputHub();
  readonly execs = new Map<string, Exec>();
  /** A life began, or its start failed (undefined). */
  readonly began = new Signal<Life | undefined>();
  /** A life ended and its end is on disk. */
  readonly exited = new Signal<Exit>();
  readonly removed = new Signal<Exit>();
  readonly trace: TraceFile;
  accounts: KnownAccountFiles | undefined;
  life: Life | undefined;
  /** Of the last start, as long as there is memory for it: config.json has it too. */
  spec: WeakRef<Spec> | undefined;
  /** Why a process that runs cannot be reached: its shim is newer than this agent. */
  unreachable: PortholeError | undefined;
  /** The last thing that the engine did to end this life. */
  tried: EndingTry | undefined;
  /** Its life began under another agent, which may have tried something too. */
  isAdopted = false;
  health: HealthMonitor | undefined;
  /** The restart policy's next attempt. */
  retry: { cancel(): void } | undefined;
  /** Milliseconds that the restart policy waits before its next attempt. */
  backOff = 0;
  #record: StoredRecord;
  #saving: Promise<void> = Promise.resolve();
  #later: NodeJS.Timeout | undefined;

  constructor(record: StoredRecord, directories: { readonly directory: string; readonly runtime: string }) {
    this.id = record.id;
    this.#record = record;
    this.directory = directories.directory;
    this.runtime = directories.runtime;
    this.trace = new TraceFile(directories.directory);
  }

  get record(): StoredRecord {
    return this.#record;
  }

  change(change: Partial<Omit<StoredRecord, 'id' | 'version'>>): void {
    this.#record = { ...this.#record, ...change };
  }

  /** Moves the state machine. @throws internal when the table has no such move: a bug, not a user's mistake. */
  move(move: Move, state: Partial<Omit<ContainerState, 'status'>> = {}): void {
    const before = this.#record.state;
    const status = after(before.status, move);
    if (!status) throw new PortholeError('internal', `container ${this.id}: no move '${move}' from '${before.status}'`);
    this.change({ state: { ...before, ...state, status } });
  }

  /** Writes the record durably; writes of one container follow each other, so the newest record is the one that stays. */
  save(): Promise<void> {
    this.#forgetLater();
    this.#saving = this.#saving.catch(() => undefined).then(() => saveRecord(this.directory, this.#record));
    return this.#saving;
  }

  /** As `save`, for one that may be gone in a moment: then there is nothing to write. A failure shows at the next save. */
  saveLater(): void {
    this.#later ??= setTimeout(() => this.save().catch(() => undefined), patience).unref();
  }

  /** Resolves when no write is under way and none waits, whatever became of it. */
  async saved(): Promise<void> {
    if (this.#later) this.save().catch(() => undefined);
    await this.#saving.catch(() => undefined);
  }

  /** The container is going away: nothing more is written into its directory. */
  async letGo(): Promise<void> {
    this.trace.drop();
    this.#forgetLater();
    await this.saved();
  }

  #forgetLater(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
  }
}
