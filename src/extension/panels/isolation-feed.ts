import type { Host } from '../hosts/contract.ts';
import { isolationOf } from '../isolation/report.ts';
import { inWords } from '../problems.ts';
import type { Message } from './feed.ts';
import { FollowedFeed } from './followed-feed.ts';

/** What stands between a container and its host, by what its engine says of both. */
export class IsolationFeed extends FollowedFeed {
  protected async read(host: Host, signal: AbortSignal): Promise<Message> {
    const { engine, id } = this.subject;
    const docker = host.engine(engine);
    const [inspected, info]: readonly unknown[] = await Promise.all([
      docker.getContainer(id).inspect({ abortSignal: signal }),
      docker.info(),
    ]);
    const findings = isolationOf(inspected, info).map(({ id, verdict, what, why, how }) => ({
      id,
      verdict,
      what: inWords(what),
      why: inWords(why),
      ...(how && { how: inWords(how) }),
    }));
    return { type: 'report', findings };
  }
}
