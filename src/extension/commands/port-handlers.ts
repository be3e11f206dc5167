import { env, l10n, Uri, window } from 'vscode';
import { type Fleet, findHost } from '../fleet.ts';
import type { Forwards } from '../hosts/forwards.ts';
import type { Handlers } from './handlers.ts';
import type { Targets } from './targets.ts';

export interface PortParts {
  readonly fleet: Fleet;
  readonly targets: Targets;
  readonly forwards: Forwards;
}

/** What a container serves, in the browser of this computer: ports of other hosts come through their connection. */
export function portHandlers({ fleet, targets, forwards }: PortParts): Pick<Handlers, 'porthole.container.openPort'> {
  return {
    'porthole.container.openPort': async (item) => {
      const container = await targets.container('porthole.container.openPort', item);
      const host = container && findHost(fleet, container.host)?.host;
      if (!container || !host) return;
      const rows = container.ports.map((port) => {
        const [outside = '', inside = ''] = port.split(':');
        return { label: outside, description: l10n.t('port {0} of {1}', inside, container.name), inside };
      });
      const title = l10n.t('Which port of {0}?', host.label);
      const chosen = rows.length === 1 ? rows[0] : await window.showQuickPick(rows, { title });
      if (!chosen) return;
      const port = await forwards.to(host, Number(chosen.label));
      const protocol = /443$/.test(chosen.inside) ? 'https' : 'http';
      await env.openExternal(await env.asExternalUri(Uri.parse(`${protocol}://127.0.0.1:${port}/`)));
    },
  };
}
