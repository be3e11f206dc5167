import * as v from 'valibot';
import { l10n, Uri, window, workspace } from 'vscode';
import { FromInspect, type SectionView } from '../../protocol/inspect-page.ts';
import type { PanelSubject } from '../../protocol/pages.ts';
import { HistorySchema } from '../../protocol/panels.ts';
import { uriParts } from '../editors/uris.ts';
import { type Fleet, findEngine } from '../fleet.ts';
import type { Host } from '../hosts/contract.ts';
import { engineName } from '../hosts/problems.ts';
import { containerSummary } from '../inspect/container-summary.ts';
import type { Section } from '../inspect/facts.ts';
import { imageSummary, volumeSummary } from '../inspect/image-summary.ts';
import { inspected } from '../inspect/inspected.ts';
import { engineStatus, explain, inWords } from '../problems.ts';
import { momentOf } from '../timeline/moments.ts';
import type { Message, Wire } from './feed.ts';
import { FollowedFeed } from './followed-feed.ts';

/** What an engine says of a container, an image or a volume, for as long as it is there. */
export class InspectFeed extends FollowedFeed {
  readonly #fleet: Fleet;

  constructor(fleet: Fleet, subject: PanelSubject, wire: Wire) {
    super(fleet, subject, wire);
    this.#fleet = fleet;
  }

  protected async read(host: Host, signal: AbortSignal): Promise<Message> {
    const { engine, id, name } = this.subject;
    try {
      const answer = await inspected(host.engine(engine), { object: this.#object, id });
      const sections = await this.#sections(host, answer, signal);
      return {
        type: 'described',
        where: [engineName(engine), host.label].join(' · '),
        sections: sections.map(spoken),
        json: JSON.stringify(answer, undefined, 2),
      };
    } catch (failure) {
      if (engineStatus(failure) !== 404) throw failure;
      return { type: 'gone', message: l10n.t('{0} is no longer there. What is shown is how it was last.', name) };
    }
  }

  receive(received: unknown): void {
    if (v.is(FromInspect, received)) void this.#openDocument();
  }

  get #object() {
    return this.subject.object ?? 'container';
  }

  async #sections(host: Host, answer: unknown, signal: AbortSignal): Promise<readonly Section[]> {
    switch (this.#object) {
      case 'container':
        return containerSummary(answer, await this.#ending(host, signal));
      case 'image':
        return imageSummary(
          answer,
          this.#users(({ imageId }) => imageId === this.subject.id),
        );
      case 'volume':
        return volumeSummary(
          answer,
          this.#users(({ volumes }) => volumes.includes(this.subject.id)),
        );
    }
  }

  /** Why its last life ended: our own engine writes that down, what others tell is in the inspection. */
  async #ending(host: Host, signal: AbortSignal) {
    if (this.subject.engine !== 'porthole') return [];
    try {
      const answer = await host.porthole(`/containers/${this.subject.id}/history?trace=0`, { signal });
      const last = v.parse(HistorySchema, answer).findLast(({ event }) => event === 'ended');
      return last ? momentOf(last).details : [];
    } catch {
      // It may be an agent from before there were histories; the exit code tells something, too.
      return [];
    }
  }

  #users(uses: (container: { imageId: string; volumes: readonly string[] }) => boolean): readonly string[] {
    return (findEngine(this.#fleet, this.subject)?.containers ?? []).filter(uses).map(({ name }) => name);
  }

  async #openDocument(): Promise<void> {
    const { host, engine, id, name } = this.subject;
    try {
      const source = { kind: 'inspect', object: this.#object, host, engine, id } as const;
      const uri = Uri.from(uriParts(`/${name.replaceAll(/[/:@\\]/g, '-')}.json`, source));
      await window.showTextDocument(await workspace.openTextDocument(uri), { preview: true });
    } catch (failure) {
      void window.showErrorMessage(explain(failure));
    }
  }
}

function spoken({ id, title, facts }: Section): SectionView {
  return {
    id,
    title: inWords(title),
    facts: facts.map(({ name, value, note, ...rest }) => ({
      ...rest,
      name: inWords(name),
      value: inWords(value),
      ...(note !== undefined && { note: inWords(note) }),
    })),
  };
}
