import type { Disposable } from '../../base/lifetime.ts';
import type { ToBirth, ToUsage } from '../../protocol/panels.ts';

/** What a panel shows comes from a feed: it reads the agent and sends to the page. */
export interface Feed extends Disposable {
  /** The page is ready, or the user asked for new values. */
  refresh(): void;
  visibilityChanged(): void;
}

export interface Wire {
  send(message: ToBirth | ToUsage): void;
  readonly visible: boolean;
}
