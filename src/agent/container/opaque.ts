import { opaqueAttribute } from '../plan/overlay.ts';
import type { Executor } from '../shim/contract.ts';
import type { HeldDirectory } from '../sys/held-directory.ts';
import type { Engine } from './engine.ts';

const why = 'An opaque directory hides what the layers below have in it.';

/** Asks the kernel for overlayfs's mark of opaque directories, which Node cannot read. Its executor is opened by need. */
export class OpaqueProbe {
  readonly #engine: Engine;
  #executor: Executor | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** @param directory one of the upper layer. */
  async isOpaque(directory: HeldDirectory): Promise<boolean> {
    this.#executor ??= this.#engine.shims.execute();
    const [result] = await this.#executor.run({
      operations: [
        {
          op: 'getxattr',
          path: directory.path,
          name: opaqueAttribute({ rootless: this.#engine.host.rootless !== undefined }),
          limit: 16,
          tolerate: ['ENODATA', 'ENOENT'],
          why,
        },
      ],
    });
    return result?.data?.toString('latin1').startsWith('y') ?? false;
  }

  async close(): Promise<void> {
    await this.#executor?.close();
  }
}
