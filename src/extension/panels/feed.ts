import type { Disposable } from '../../base/lifetime.ts';
import type { ToInspect } from '../../protocol/inspect-page.ts';
import type { ToLayers } from '../../protocol/layer-page.ts';
import type { ToLogs } from '../../protocol/log-page.ts';
import type { ToNamespaces } from '../../protocol/namespace-page.ts';
import type { ToPage } from '../../protocol/pages.ts';
import type { ToBirth, ToIsolation } from '../../protocol/panels.ts';
import type { ToTimeline, ToUsage } from '../../protocol/usage-page.ts';

/** What a panel shows comes from a feed: it reads the agent and sends to the page. */
export interface Feed extends Disposable {
  /** The page is ready, or the user asked for new values. */
  refresh(): void;
  visibilityChanged(): void;
  /** What no other page says: not checked yet. */
  receive?(message: unknown): void;
}

export type Message =
  | ToPage
  | ToBirth
  | ToUsage
  | ToIsolation
  | ToTimeline
  | ToLogs
  | ToLayers
  | ToInspect
  | ToNamespaces;

export interface Wire {
  send(message: Message): void;
  readonly visible: boolean;
}
