import { l10n } from 'vscode';
import type { Disposable } from '../../base/lifetime.ts';
import { type LogLine, mostLines } from '../../protocol/log-page.ts';
import type { PanelSubject } from '../../protocol/pages.ts';
import { type Fleet, findContainer, findHost, shortId } from '../fleet.ts';
import type { Host } from '../hosts/contract.ts';
import { LogLines } from '../logs/log-lines.ts';
import { explain } from '../problems.ts';
import type { Feed, Wire } from './feed.ts';

/** Milliseconds between two messages to the page: what comes faster comes together. */
const beat = 100;
/** Lines of each container that are shown from before. */
const tail = 5_000;

/** The logs of one container or several of an engine, followed while the page is there to be seen. */
export class LogsFeed implements Feed {
  readonly #fleet: Fleet;
  readonly #subject: PanelSubject;
  readonly #wire: Wire;
  readonly #changes: Disposable;
  #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #waiting: LogLine[] = [];
  #skipped = 0;
  /** Containers whose log has come to its end, by id. */
  readonly #over = new Set<string>();

  constructor(fleet: Fleet, subject: PanelSubject, wire: Wire) {
    this.#fleet = fleet;
    this.#subject = subject;
    this.#wire = wire;
    this.#changes = fleet.onDidChange(({ kind, keys }) => {
      // A container that lives again writes again; a host that is back can be asked again.
      if (kind === 'host-state' && keys.includes(subject.host)) this.#again();
      if (kind === 'containers' && [...this.#over].some((id) => this.#lives(id))) this.#again();
    });
  }

  /** From the beginning. */
  refresh(): void {
    this.#end();
    this.#stop = new AbortController();
    void this.#follow(this.#stop.signal);
  }

  visibilityChanged(): void {
    // A page that is hidden is taken apart; it says that it is ready when it is made again.
    if (!this.#wire.visible) this.#end();
  }

  dispose(): void {
    this.#end();
    this.#changes.dispose();
  }

  #again(): void {
    if (this.#wire.visible) this.refresh();
  }

  #lives(id: string): boolean {
    const { host, engine } = this.#subject;
    return findContainer(this.#fleet, { host, engine, id })?.state === 'running';
  }

  #end(): void {
    this.#stop.abort();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = [];
    this.#skipped = 0;
    this.#over.clear();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { host: id, engine } = this.#subject;
    const host = findHost(this.#fleet, id)?.host;
    if (host?.state.kind !== 'connected') {
      this.#wire.send({ type: 'problem', message: l10n.t('Not connected to {0}.', host?.label ?? id) });
      return;
    }
    const ids = this.#subject.id.split(',');
    const names = ids.map((one) => findContainer(this.#fleet, { host: id, engine, id: one })?.name ?? shortId(one));
    this.#wire.send({ type: 'sources', names });
    await Promise.all(
      ids.map((one, source) => this.#read(host, { id: one, name: names[source] ?? one, source, signal })),
    );
  }

  async #read(
    host: Host,
    { id, name, source, signal }: { id: string; name: string; source: number; signal: AbortSignal },
  ): Promise<void> {
    try {
      const container = host.engine(this.#subject.engine).getContainer(id);
      const { Config } = await container.inspect({ abortSignal: signal });
      const streams = { stdout: true, stderr: true, timestamps: true } as const;
      const stream = await container.logs({ ...streams, follow: true, tail, abortSignal: signal });
      const lines = new LogLines({ tty: Config.Tty, source });
      for await (const chunk of stream) {
        if (signal.aborted) return;
        this.#add(lines.push(Buffer.from(chunk)));
      }
      if (signal.aborted) return;
      this.#add(lines.end());
      this.#flush();
      this.#over.add(id);
      this.#wire.send({ type: 'over', message: l10n.t('{0} has ended: nothing more is written.', name) });
    } catch (failure) {
      if (signal.aborted) return;
      this.#flush();
      this.#wire.send({ type: 'problem', message: explain(failure) });
    }
  }

  #add(lines: readonly LogLine[]): void {
    this.#waiting.push(...lines);
    const tooMany = this.#waiting.length - mostLines;
    if (tooMany > 0) {
      this.#waiting.splice(0, tooMany);
      this.#skipped += tooMany;
    }
    if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => this.#flush(), beat);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    const lines = this.#waiting;
    this.#wire.send({ type: 'lines', lines, skipped: this.#skipped });
    this.#waiting = [];
    this.#skipped = 0;
  }
}
