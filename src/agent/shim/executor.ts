import { type Deferred, deferred } from '../../base/async.ts';
import { canceled } from '../../base/errors.ts';
import type { Plan } from '../plan/operations.ts';
import { Connection } from './connection.ts';
import type { Executor, OperationResult } from './contract.ts';
import { encodeInPieces, encodeOperations } from './encode.ts';
import { planTooLarge, shimVanished } from './errors.ts';
import type { ShimProcess } from './process.ts';
import { failureOf } from './start.ts';
import { type Frame, frame, frameHead, parseResults, planLimit } from './wire.ts';

/** Bytes of one batch; a longer one is sent in parts. */
const batchSize = 1 << 20;

interface Unanswered {
  readonly plan: Plan;
  readonly results: OperationResult[];
  readonly answer: Deferred<OperationResult[]>;
}

export class ShimExecutor implements Executor {
  readonly #process: ShimProcess;
  readonly #connection: Connection;
  readonly #unanswered: Unanswered[] = [];
  #failure: Error | undefined;
  #closing = false;

  /** @param process a shim that has not been asked for anything yet. */
  constructor(process: ShimProcess) {
    this.#process = process;
    this.#connection = new Connection(this.#process.socket, {
      onFrame: (received) => this.#handle(received),
      onClose: () => {
        void this.#process.ended().then((failure) => this.#fail(failure ?? shimVanished('it carried out operations')));
      },
    });
  }

  run(plan: Plan): Promise<OperationResult[]> {
    return this.#request(frame.ops, plan);
  }

  ask(operations: Plan['operations']): Promise<OperationResult[]> {
    return this.#request(frame.ask, { operations });
  }

  async send(operations: Plan['operations']): Promise<void> {
    for (const piece of encodeInPieces(operations, batchSize)) {
      if (this.#failure) throw this.#failure;
      // The failure is kept for the next call: nobody waits for this answer.
      this.#expect({ operations }).catch(() => undefined);
      const size = piece.reduce((sum, { length }) => sum + length, 0);
      await this.#connection.send(frameHead(frame.batch, size), ...piece);
    }
    if (this.#failure) throw this.#failure;
  }

  async close(): Promise<void> {
    const last = this.#unanswered.at(-1);
    if (last) await last.answer.promise.catch(() => undefined);
    this.#closing = true;
    this.#connection.end();
    await this.#process.ended();
    if (this.#failure) throw this.#failure;
  }

  abort(): void {
    this.#fail(canceled('the operations'));
    this.#process.child.kill('SIGKILL');
    this.#connection.destroy();
  }

  #request(type: typeof frame.ops | typeof frame.ask, plan: Plan): Promise<OperationResult[]> {
    if (this.#failure) return Promise.reject(this.#failure);
    const encoded = encodeOperations(plan.operations);
    if (encoded.length > planLimit) return Promise.reject(planTooLarge(encoded.length, planLimit));
    const answer = this.#expect(plan);
    void this.#connection.send(frameHead(type, encoded.length), encoded);
    return answer;
  }

  #expect(plan: Plan): Promise<OperationResult[]> {
    const answer = deferred<OperationResult[]>();
    this.#unanswered.push({ plan, results: [], answer });
    return answer.promise;
  }

  #handle({ type, data }: Frame): void {
    const oldest = this.#unanswered[0];
    if (!oldest) return;
    if (type === frame.result) oldest.results.push(...parseResults(data));
    if (type === frame.failed) this.#fail(failureOf(oldest.plan, data, oldest.results));
    if (type === frame.done) {
      this.#unanswered.shift();
      oldest.answer.resolve(oldest.results);
    }
  }

  #fail(failure: Error): void {
    if (this.#closing && this.#unanswered.length === 0) return;
    this.#failure ??= failure;
    this.#connection.end();
    for (const { answer } of this.#unanswered.splice(0)) answer.reject(this.#failure);
  }
}
