import type { FromLayers, ToLayers } from '../../src/protocol/layer-page.ts';

type Asked = Extract<FromLayers, { question: number }>;
export type Question = Asked extends infer One ? (One extends Asked ? Omit<One, 'question'> : never) : never;
export type Answer<Type extends ToLayers['type']> = Extract<ToLayers, { type: Type }>;

/** Questions to the extension, each with its answer. */
export class Questions {
  readonly #post: (message: FromLayers) => void;
  readonly #waiting = new Map<number, { resolve: (answer: ToLayers) => void; reject: (failure: Error) => void }>();
  #last = 0;

  constructor(post: (message: FromLayers) => void) {
    this.#post = post;
  }

  /** @throws the extension's words when there is no answer */
  async ask<Type extends ToLayers['type']>(asked: Question, type: Type): Promise<Answer<Type>> {
    const question = ++this.#last;
    const answer = await new Promise<ToLayers>((resolve, reject) => {
      this.#waiting.set(question, { resolve, reject });
      this.#post({ ...asked, question });
    });
    if (isOf(answer, type)) return answer;
    throw new Error(`${answer.type} is no answer to ${asked.type}`);
  }

  /** False: nobody waits for it. */
  settle(answer: ToLayers): boolean {
    if (!('question' in answer)) return false;
    const waiting = this.#waiting.get(answer.question);
    this.#waiting.delete(answer.question);
    if (answer.type === 'refused') waiting?.reject(new Error(answer.message));
    else waiting?.resolve(answer);
    return true;
  }
}

function isOf<Type extends ToLayers['type']>(answer: ToLayers, type: Type): answer is Answer<Type> {
  return answer.type === type;
}
