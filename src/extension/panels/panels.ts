import * as v from 'valibot';
import { env, l10n, Uri, ViewColumn, type WebviewPanel, window } from 'vscode';
import { type Disposable, DisposableStore } from '../../base/lifetime.ts';
import { FromPanel, PanelSubject } from '../../protocol/panels.ts';
import { type Fleet, keyOf } from '../fleet.ts';
import { BirthFeed } from './birth-feed.ts';
import type { Feed, Wire } from './feed.ts';
import { type PageName, pageFolder, pageHtml } from './page.ts';
import { UsageFeed } from './usage-feed.ts';

const viewTypes = { birth: 'porthole.birth', usage: 'porthole.usage' } as const;

/** The open panels: one per container and page. Shows, restores after a restart, and closes all at the end. */
export class Panels implements Disposable {
  readonly #fleet: Fleet;
  readonly #extensionUri: Uri;
  readonly #open = new Map<string, WebviewPanel>();
  readonly #store = new DisposableStore();

  constructor(fleet: Fleet, extensionUri: Uri) {
    this.#fleet = fleet;
    this.#extensionUri = extensionUri;
    for (const page of ['birth', 'usage'] as const) {
      this.#store.add(
        window.registerWebviewPanelSerializer(viewTypes[page], {
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
    const panel = window.createWebviewPanel(viewTypes[page], title(page, subject), ViewColumn.Active, {
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
    const feed: Feed =
      page === 'birth' ? new BirthFeed(this.#fleet, subject, wire) : new UsageFeed(this.#fleet, subject, wire);
    this.#open.set(key, panel);
    own.add(feed);
    own.add(panel.onDidChangeViewState(() => feed.visibilityChanged()));
    own.add(
      panel.webview.onDidReceiveMessage((received: unknown) => {
        const message = v.safeParse(FromPanel, received);
        if (!message.success) return;
        if (message.output.type === 'copy') void env.clipboard.writeText(message.output.text);
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
    panel.title = title(page, subject);
    const media = (name: string) => Uri.joinPath(this.#extensionUri, 'media', name);
    panel.iconPath = { light: media('porthole-light.svg'), dark: media('porthole-dark.svg') };
    panel.webview.html = pageHtml(panel.webview, this.#extensionUri, page);
  }
}

const panelKey = (page: PageName, subject: PanelSubject): string =>
  `${page}:${keyOf({ ...subject, id: subject.container })}`;

function title(page: PageName, { name }: PanelSubject): string {
  return page === 'birth' ? l10n.t('Birth: {0}', name) : l10n.t('Usage: {0}', name);
}
