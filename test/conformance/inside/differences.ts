/** A difference that is meant: which keys of the view, and why. */
export interface Difference {
  readonly keys: RegExp;
  readonly why: string;
}

export const againstRunc: readonly Difference[] = [];

export const againstDockerd: readonly Difference[] = [];
