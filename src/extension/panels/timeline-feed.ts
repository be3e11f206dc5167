import * as v from 'valibot';
import { isKind } from '../../base/errors.ts';
import { HistorySchema } from '../../protocol/panels.ts';
import { HistoryOfUsage } from '../../protocol/usage-page.ts';
import type { Host } from '../hosts/contract.ts';
import { inWords } from '../problems.ts';
import { momentOf } from '../timeline/moments.ts';
import type { Message } from './feed.ts';
import { FollowedFeed } from './followed-feed.ts';
import { marksOf } from './usage-marks.ts';

/** The life of a container, as its engine has written it down. */
export class TimelineFeed extends FollowedFeed {
  protected async read(host: Host, signal: AbortSignal): Promise<Message> {
    const read = (what: string) => host.porthole(`/containers/${this.subject.id}/${what}`, { signal });
    // What it used is of a container that is there; its life is told of one that is gone, too.
    const gone = (failure: unknown): undefined => {
      if (isKind(failure, 'not-found')) return undefined;
      throw failure;
    };
    const [answer, usage] = await Promise.all([read('history?trace=0'), read('usage').catch(gone)]);
    const entries = v.parse(HistorySchema, answer);
    const moments = entries.map((entry) => {
      const { what, details, ...rest } = momentOf(entry);
      return { ...rest, time: entry.time, what: inWords(what), details: details.map(inWords) };
    });
    if (usage === undefined) return { type: 'moments', moments };
    return { type: 'moments', moments, usage: v.parse(HistoryOfUsage, usage), marks: marksOf(entries) };
  }
}
