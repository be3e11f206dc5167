import type { Seccomp } from '../oci/runtime.ts';
import type { HostFacts } from './facts.ts';
import { compileSeccomp } from './seccomp.ts';

/**
 * Compiled seccomp policies of one machine. Most containers have the same few policies, and compiling one takes longer
 * than most of the kernel's work for a start; the latest are kept.
 */
export class SeccompFilters {
  readonly #host: Pick<HostFacts, 'architecture'>;
  readonly #keep: number;
  readonly #byPolicy = new Map<string, Uint8Array>();

  constructor(host: Pick<HostFacts, 'architecture'>, keep = 8) {
    this.#host = host;
    this.#keep = keep;
  }

  compile(policy: Seccomp): Uint8Array {
    const key = JSON.stringify(policy);
    const found = this.#byPolicy.get(key) ?? compileSeccomp(policy, this.#host);
    // Put last again: a Map is in the order of insertion, so that the first is the one that was not asked for longest.
    this.#byPolicy.delete(key);
    this.#byPolicy.set(key, found);
    const [oldest] = this.#byPolicy.keys();
    if (this.#byPolicy.size > this.#keep && oldest !== undefined) this.#byPolicy.delete(oldest);
    return found;
  }
}
