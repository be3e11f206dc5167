import { l10n } from 'vscode';
import type { PanelSubject } from '../../protocol/pages.ts';
import type { Fleet } from '../fleet.ts';
import type { Layers } from '../layers/layers.ts';
import type { LayerViewer } from '../layers/viewer.ts';
import { BirthFeed } from './birth-feed.ts';
import type { Feed, Wire } from './feed.ts';
import { InspectFeed } from './inspect-feed.ts';
import { IsolationFeed } from './isolation-feed.ts';
import { LayersFeed } from './layers-feed.ts';
import { LogsFeed } from './logs-feed.ts';
import { NamespacesFeed } from './namespaces-feed.ts';
import type { PageName } from './page-names.ts';
import { TimelineFeed } from './timeline-feed.ts';
import { UsageFeed } from './usage-feed.ts';

/** What pages read. */
export interface PageParts {
  readonly fleet: Fleet;
  readonly layers: Layers;
  readonly viewer: LayerViewer;
}

export interface PageRow {
  title(name: string): string;
  feed(parts: PageParts, subject: PanelSubject, wire: Wire): Feed;
}

/** Every page as a row. */
export const pages: Readonly<Record<PageName, PageRow>> = {
  birth: {
    title: (name) => l10n.t('Birth: {0}', name),
    feed: ({ fleet }, subject, wire) => new BirthFeed(fleet, subject, wire),
  },
  usage: {
    title: (name) => l10n.t('Usage: {0}', name),
    feed: ({ fleet }, subject, wire) => new UsageFeed(fleet, subject, wire),
  },
  isolation: {
    title: (name) => l10n.t('Isolation: {0}', name),
    feed: ({ fleet }, subject, wire) => new IsolationFeed(fleet, subject, wire),
  },
  timeline: {
    title: (name) => l10n.t('Timeline: {0}', name),
    feed: ({ fleet }, subject, wire) => new TimelineFeed(fleet, subject, wire),
  },
  layers: {
    title: (name) => l10n.t('Layers: {0}', name),
    feed: (parts, subject, wire) => new LayersFeed({ ...parts, subject, wire }),
  },
  inspect: {
    title: (name) => l10n.t('Inspect: {0}', name),
    feed: ({ fleet }, subject, wire) => new InspectFeed(fleet, subject, wire),
  },
  namespaces: {
    title: (name) => l10n.t('Namespaces: {0}', name),
    feed: ({ fleet }, subject, wire) => new NamespacesFeed(fleet, subject, wire),
  },
  logs: {
    title: (name) => l10n.t('Logs: {0}', name),
    feed: ({ fleet }, subject, wire) => new LogsFeed(fleet, subject, wire),
  },
};

/** Also in the manifest. */
export const viewTypeOf = (page: PageName): string => `porthole.${page}`;
