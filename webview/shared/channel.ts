import * as v from 'valibot';
import type { FromPanel, PanelSubject } from '../../src/protocol/panels.ts';

interface VsCodeApi {
  postMessage(message: unknown): void;
  setState(state: unknown): void;
  getState(): unknown;
}

declare function acquireVsCodeApi(): VsCodeApi;

/** The page's end of the wire to the extension: what arrives is checked, what is kept survives a restart. */
export class Channel<In> {
  readonly #api: VsCodeApi;
  #kept: Record<string, unknown>;

  constructor(schema: v.GenericSchema<unknown, In>, receive: (message: In) => void) {
    this.#api = acquireVsCodeApi();
    const state = this.#api.getState();
    this.#kept = typeof state === 'object' && state !== null ? { ...state } : {};
    window.addEventListener('message', (event: MessageEvent<unknown>) => {
      const checked = v.safeParse(schema, event.data);
      // Only the extension can reach this page; a message of another shape is one of a newer version, so it is left alone.
      if (checked.success) receive(checked.output);
    });
  }

  post(message: FromPanel): void {
    this.#api.postMessage(message);
  }

  /** The subject is what VS Code hands to the extension when it restores the panel. */
  keepSubject(subject: PanelSubject): void {
    this.#keep('subject', subject);
  }

  keepText(name: string, text: string): void {
    this.#keep(name, text);
  }

  keptText(name: string): string {
    const value = this.#kept[name];
    return typeof value === 'string' ? value : '';
  }

  #keep(name: string, value: unknown): void {
    this.#kept = { ...this.#kept, [name]: value };
    this.#api.setState(this.#kept);
  }
}
