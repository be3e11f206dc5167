import * as v from 'valibot';
import { HistorySchema } from '../../protocol/panels.ts';
import type { Host } from '../hosts/contract.ts';
import { inWords } from '../problems.ts';
import { momentOf } from '../timeline/moments.ts';
import type { Message } from './feed.ts';
import { FollowedFeed } from './followed-feed.ts';

/** The life of a container, as its engine has written it down. */
export class TimelineFeed extends FollowedFeed {
  protected async read(host: Host, signal: AbortSignal): Promise<Message> {
    const answer = await host.porthole(`/containers/${this.subject.id}/history?trace=0`, { signal });
    const moments = v.parse(HistorySchema, answer).map((entry) => {
      const { what, details, ...rest } = momentOf(entry);
      return { ...rest, time: entry.time, what: inWords(what), details: details.map(inWords) };
    });
    return { type: 'moments', moments };
  }
}
