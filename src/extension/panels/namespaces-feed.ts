import * as v from 'valibot';
import { FromNamespaces, surveySchema } from '../../protocol/namespace-page.ts';
import type { ContainerReference, NamespaceSurvey } from '../../protocol/namespaces.ts';
import type { PanelSubject } from '../../protocol/pages.ts';
import { checked } from '../checked.ts';
import { type Fleet, type FleetChange, findContainer, findHost, shortId } from '../fleet.ts';
import type { Host } from '../hosts/contract.ts';
import { matrixOf, membersOf } from '../namespaces/matrix.ts';
import type { Message, Wire } from './feed.ts';
import { FollowedFeed } from './followed-feed.ts';

/** The namespaces of a host's containers, whatever engine runs them, read again whenever a container comes, goes or changes. */
export class NamespacesFeed extends FollowedFeed {
  readonly #fleet: Fleet;
  readonly #wire: Wire;
  #survey: NamespaceSurvey = { namespaces: [], unreadable: [] };

  constructor(fleet: Fleet, subject: PanelSubject, wire: Wire) {
    super(fleet, subject, wire);
    this.#fleet = fleet;
    this.#wire = wire;
  }

  protected override concerns({ kind }: FleetChange): boolean {
    return kind === 'hosts' || kind === 'host-state' || kind === 'containers';
  }

  protected async read(host: Host, signal: AbortSignal): Promise<Message> {
    this.#survey = checked(surveySchema, await host.porthole('/namespaces', { signal }));
    const engines = findHost(this.#fleet, host.id)?.engines ?? [];
    const lives = ['running', 'paused', 'restarting'];
    const resting = engines.flatMap(({ containers }) => containers).filter(({ state }) => !lives.includes(state));
    const look = { nameOf: this.#nameOf, chosen: this.subject.id, resting: resting.length };
    return { type: 'matrix', matrix: matrixOf(this.#survey, look) };
  }

  receive(received: unknown): void {
    const asked = v.safeParse(FromNamespaces, received);
    if (!asked.success) return;
    const { inode } = asked.output;
    this.#wire.send({ type: 'members', inode, ...membersOf(this.#survey, inode, { nameOf: this.#nameOf }) });
  }

  readonly #nameOf = ({ engine, id, name }: ContainerReference): string => {
    if (name !== undefined) return name;
    const isListed = engine === 'porthole' || engine === 'docker' || engine === 'podman';
    const listed = isListed ? findContainer(this.#fleet, { host: this.subject.host, engine, id }) : undefined;
    return listed?.name ?? shortId(id);
  };
}
