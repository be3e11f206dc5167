import * as v from 'valibot';
import { env, l10n, Uri, ViewColumn, type WebviewPanel, window, workspace } from 'vscode';
import { type Disposable, DisposableStore } from '../../base/lifetime.ts';
import { FromPage, PanelSubject } from '../../protocol/pages.ts';
import { keyOf } from '../fleet.ts';
import { explain } from '../problems.ts';
import type { Wire } from './feed.ts';
import { pageFolder, pageHtml } from './page.ts';
import { type PageName, pageNames } from './page-names.ts';
import { type PageParts, pages, viewTypeOf } from './pages.ts';

/** The open panels: one per object and page. Shows, restores after a restart, and closes all at the end. */
export class Panels implements Disposable {
  readonly #parts: PageParts;
  readonly #extensionUri: Uri;
  readonly #open = new Map<string, WebviewPanel>();
  readonly #store = new DisposableStore();

  constructor(parts: PageParts, extensionUri: Uri) {
    this.#parts = parts;
    this.#extensionUri = extensionUri;
    for (const page of pageNames) {
      this.#store.add(
        window.registerWebviewPanelSerializer(viewTypeOf(page), {
          deserializeWebviewPanel: async (panel, state: unknown) => this.#restore(page, panel, state),
        }),
      );
    }
    this.#store.add({
      dispose: () => {
        for (const panel of this.#open.values()) panel.dispose();
      },
    });
  }

  show(page: PageName, subject: PanelSubject): void {
    const known = this.#open.get(panelKey(page, subject));
    if (known) {
      known.reveal();
      return;
    }
    const panel = window.createWebviewPanel(viewTypeOf(page), pages[page].title(subject.name), ViewColumn.Active, {
      enableScripts: true,
      localResourceRoots: [pageFolder(this.#extensionUri)],
    });
    this.#fill(page, panel, subject);
  }

  dispose(): void {
    this.#store.dispose();
  }

  #restore(page: PageName, panel: WebviewPanel, state: unknown): void {
    const kept = v.safeParse(v.object({ subject: PanelSubject }), state);
    if (!kept.success || this.#open.has(panelKey(page, kept.output.subject))) {
      panel.dispose();
      return;
    }
    panel.webview.options = { enableScripts: true, localResourceRoots: [pageFolder(this.#extensionUri)] };
    this.#fill(page, panel, kept.output.subject);
  }

  #fill(page: PageName, panel: WebviewPanel, subject: PanelSubject): void {
    const key = panelKey(page, subject);
    const own = new DisposableStore();
    const wire: Wire = {
      send: (message) => void panel.webview.postMessage(message),
      get visible() {
        return panel.visible;
      },
    };
    const feed = pages[page].feed(this.#parts, subject, wire);
    this.#open.set(key, panel);
    own.add(feed);
    own.add(panel.onDidChangeViewState(() => feed.visibilityChanged()));
    own.add(
      panel.webview.onDidReceiveMessage((received: unknown) => {
        const message = v.safeParse(FromPage, received);
        if (!message.success) feed.receive?.(received);
        else if (message.output.type === 'copy') void env.clipboard.writeText(message.output.text);
        else if (message.output.type === 'save') void save(message.output);
        else {
          if (message.output.type === 'ready') {
            wire.send({ type: 'start', subject, texts: l10n.bundle ?? {}, locale: env.language });
          }
          feed.refresh();
        }
      }),
    );
    panel.onDidDispose(() => {
      this.#open.delete(key);
      own.dispose();
    });
    panel.title = pages[page].title(subject.name);
    const media = (name: string) => Uri.joinPath(this.#extensionUri, 'media', name);
    panel.iconPath = { light: media('porthole-light.svg'), dark: media('porthole-dark.svg') };
    panel.webview.html = pageHtml(panel.webview, this.#extensionUri, page);
  }
}

const panelKey = (page: PageName, subject: PanelSubject): string => `${page}:${subject.object ?? ''}:${keyOf(subject)}`;

async function save({ name, text }: { name: string; text: string }): Promise<void> {
  try {
    const uri = await window.showSaveDialog({ defaultUri: Uri.file(name) });
    if (uri) await workspace.fs.writeFile(uri, new TextEncoder().encode(text));
  } catch (failure) {
    void window.showErrorMessage(explain(failure));
  }
}
