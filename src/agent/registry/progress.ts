import type { ProgressLine } from './contract.ts';

/** Writes dockerd's progress lines. */
export class Progress {
  readonly #write: (line: ProgressLine) => void;

  constructor(write: ((line: ProgressLine) => void) | undefined) {
    this.#write = write ?? (() => undefined);
  }

  message(status: string, id?: string): void {
    this.#write({ status, ...(id !== undefined && { id }) });
  }

  update(id: string, status: string): void {
    this.#write({ status, progressDetail: {}, id });
  }

  /** @param id '' for the only thing that there is. */
  count(id: string, status: string, { current, total }: { readonly current: number; readonly total: number }): void {
    const progressDetail = { ...(current > 0 && { current }), ...(total > 0 && { total }) };
    const progress = bar(current, total);
    this.#write({ status, progressDetail, ...(progress !== '' && { progress }), ...(id !== '' && { id }) });
  }

  aux(aux: object): void {
    this.#write({ progressDetail: {}, aux });
  }
}

/** Counts bytes of one thing and tells of them, not more often than a terminal can show. */
export class Counter {
  readonly #tell: (current: number) => void;
  readonly #now: () => number;
  #last = 0;

  constructor(tell: (current: number) => void, now: () => number = Date.now) {
    this.#tell = tell;
    this.#now = now;
  }

  at(current: number): void {
    const now = this.#now();
    if (now - this.#last < pause) return;
    this.#last = now;
    this.#tell(current);
  }
}

/** Milliseconds between two lines of one layer. */
const pause = 100;

/** How clients name a blob or a layer: twelve digits. */
export const shortId = (digest: string): string => digest.replace(/^sha256:/, '').slice(0, 12);

/** The bar that dockerd draws for clients which cannot. */
export function bar(current: number, total: number): string {
  if (current <= 0 && total <= 0) return '';
  if (total <= 0) return humanSize(current).padStart(8);
  const done = Math.min(50, Math.floor(Math.floor((current / total) * 100) / 2));
  const counts = humanSize(current).padStart(8) + (current > total ? '' : `/${humanSize(total)}`);
  return `[${'='.repeat(done)}>${' '.repeat(50 - done)}] ${counts}`;
}

/** Four significant digits, in powers of 1000. */
function humanSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let unit = 0;
  let size = bytes;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${Number(size.toPrecision(4))}${units[unit]}`;
}
