import type { BuildOutput } from './contract.ts';

type Word = (output: BuildOutput) => void;

/** Several tell something at the same time; it is heard one after the other, in their order. */
export class OrderedOutput {
  readonly #output: BuildOutput;
  readonly #lanes: Lane[] = [];
  #current = 0;

  constructor(output: BuildOutput) {
    this.#output = output;
  }

  /** The next one's. It must be closed. */
  lane(): BuildOutput & { close(): void } {
    const lane: Lane = { waiting: [], isClosed: false };
    const number = this.#lanes.push(lane) - 1;
    const say = (word: Word): void => {
      if (number === this.#current) word(this.#output);
      else lane.waiting.push(word);
    };
    return {
      stdout: (text) => say((output) => output.stdout(text)),
      stderr: (text) => say((output) => output.stderr(text)),
      progress: (line) => say((output) => output.progress(line)),
      image: (id) => say((output) => output.image(id)),
      close: () => {
        lane.isClosed = true;
        this.#go();
      },
    };
  }

  #go(): void {
    while (this.#lanes[this.#current]?.isClosed) {
      this.#current++;
      const next = this.#lanes[this.#current];
      for (const word of next?.waiting.splice(0) ?? []) word(this.#output);
    }
  }
}

interface Lane {
  readonly waiting: Word[];
  isClosed: boolean;
}
