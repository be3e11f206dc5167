/** A time limit that stands still while the user is asked something. */
export class Patience {
  readonly #milliseconds: number;
  readonly #out: () => void;
  #timer: NodeJS.Timeout | undefined;
  #questions = 0;
  #over = false;

  constructor(milliseconds: number, out: () => void) {
    this.#milliseconds = milliseconds;
    this.#out = out;
    this.renew();
  }

  /** Starts the time anew: the other side has moved. */
  renew(): void {
    clearTimeout(this.#timer);
    if (!this.#over && this.#questions === 0) this.#timer = setTimeout(this.#out, this.#milliseconds);
  }

  async during<T>(question: () => Promise<T>): Promise<T> {
    this.#questions++;
    clearTimeout(this.#timer);
    try {
      return await question();
    } finally {
      this.#questions--;
      this.renew();
    }
  }

  stop(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }
}
