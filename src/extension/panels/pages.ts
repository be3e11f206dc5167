import { l10n } from 'vscode';
import type { PanelSubject } from '../../protocol/panels.ts';
import type { Fleet } from '../fleet.ts';
import { BirthFeed } from './birth-feed.ts';
import type { Feed, Wire } from './feed.ts';
import { IsolationFeed } from './isolation-feed.ts';
import { TimelineFeed } from './timeline-feed.ts';
import { UsageFeed } from './usage-feed.ts';

/** Which of the bundled pages: a folder of `webview/`. */
export type PageName = 'birth' | 'usage' | 'isolation' | 'timeline';

export interface PageRow {
  /** Also in the manifest, so that VS Code can restore it. */
  readonly viewType: `porthole.${PageName}`;
  title(name: string): string;
  feed(fleet: Fleet, subject: PanelSubject, wire: Wire): Feed;
}

/** Every page as a row. */
export const pages: Readonly<Record<PageName, PageRow>> = {
  birth: {
    viewType: 'porthole.birth',
    title: (name) => l10n.t('Birth: {0}', name),
    feed: (fleet, subject, wire) => new BirthFeed(fleet, subject, wire),
  },
  usage: {
    viewType: 'porthole.usage',
    title: (name) => l10n.t('Usage: {0}', name),
    feed: (fleet, subject, wire) => new UsageFeed(fleet, subject, wire),
  },
  isolation: {
    viewType: 'porthole.isolation',
    title: (name) => l10n.t('Isolation: {0}', name),
    feed: (fleet, subject, wire) => new IsolationFeed(fleet, subject, wire),
  },
  timeline: {
    viewType: 'porthole.timeline',
    title: (name) => l10n.t('Timeline: {0}', name),
    feed: (fleet, subject, wire) => new TimelineFeed(fleet, subject, wire),
  },
};

export const pageNames: readonly PageName[] = ['birth', 'usage', 'isolation', 'timeline'];
