import { EventEmitter, l10n } from 'vscode';
import { formatMemory, formatPercent, formatSize } from '../../base/units.ts';
import { type Fleet, findContainer, findHost, keyOf, type ObjectRef } from '../fleet.ts';
import { followCgroup, type Gauge } from '../model/cgroup-stream.ts';
import { type GaugeName, type GaugeNode, gaugeNames } from './inside-nodes.ts';

interface Watched {
  readonly stop: AbortController;
  readonly nodes: readonly GaugeNode[];
  now?: Gauge;
  texts: Map<GaugeName, string>;
}

/** Live numbers of cgroups, one row for each kind: a row is drawn anew only when it says something else than before. */
export class Gauges {
  readonly #fleet: Fleet;
  readonly #watched = new Map<string, Watched>();
  /** VS Code tells rows apart by their objects. */
  readonly #nodes = new Map<string, readonly GaugeNode[]>();
  readonly #changed = new EventEmitter<GaugeNode>();
  readonly onDidChange = this.#changed.event;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  nodesOf(container: ObjectRef): readonly GaugeNode[] {
    const key = keyOf(container);
    const nodes = this.#nodes.get(key) ?? gaugeNames.map((gauge) => ({ type: 'gauge' as const, container, gauge }));
    this.#nodes.set(key, nodes);
    return nodes;
  }

  /** What the row says now. */
  textOf({ container, gauge }: GaugeNode): string {
    return this.#watched.get(keyOf(container))?.texts.get(gauge) ?? '…';
  }

  /** Reads these and no others. */
  follow(wanted: readonly ObjectRef[]): void {
    const keys = new Set(wanted.map(keyOf));
    for (const [key, { stop }] of this.#watched) {
      if (keys.has(key)) continue;
      stop.abort();
      this.#watched.delete(key);
    }
    for (const container of wanted) if (!this.#watched.has(keyOf(container))) this.#begin(container);
  }

  dispose(): void {
    this.follow([]);
    this.#changed.dispose();
  }

  #begin(container: ObjectRef): void {
    const host = findHost(this.#fleet, container.host)?.host;
    if (host?.state.kind !== 'connected' || !findContainer(this.#fleet, container)) return;
    const watched: Watched = { stop: new AbortController(), nodes: this.nodesOf(container), texts: new Map() };
    this.#watched.set(keyOf(container), watched);
    const { signal } = watched.stop;
    void followCgroup({ host, container, signal, onReading: (reading) => this.#read(watched, reading) });
  }

  #read(watched: Watched, reading: Gauge): void {
    const before = watched.now;
    watched.now = reading;
    for (const node of watched.nodes) {
      const text = gaugeText(node.gauge, reading, before);
      if (watched.texts.get(node.gauge) === text) continue;
      watched.texts.set(node.gauge, text);
      this.#changed.fire(node);
    }
  }
}

/** A row's words out of two readings; the first alone tells no rates. */
export function gaugeText(gauge: GaugeName, now: Gauge, before: Gauge | undefined): string {
  switch (gauge) {
    case 'cpu':
      return now.cpu ? cpuText(now.cpu, { now, before }) : l10n.t('not measured');
    case 'memory':
      return now.memory ? memoryText(now.memory) : l10n.t('not measured');
    case 'pids':
      return now.pids ? ofLimit(String(now.pids.current), now.pids.limit, String) : l10n.t('not measured');
    case 'io':
      return now.io ? ioText(now.io, { now, before }) : l10n.t('not measured');
    case 'pressure':
      return pressureText(now.pressure);
  }
}

interface Readings {
  readonly now: Gauge;
  readonly before: Gauge | undefined;
}

/** Seconds between them; undefined when there is no telling. */
function secondsOf({ now, before }: Readings): number | undefined {
  const seconds = before ? (now.at - before.at) / 1000 : 0;
  return seconds > 0 ? seconds : undefined;
}

function cpuText(cpu: NonNullable<Gauge['cpu']>, readings: Readings): string {
  const seconds = secondsOf(readings);
  const before = readings.before?.cpu;
  if (seconds === undefined || !before) return '…';
  const percent = formatPercent(Math.max(0, (cpu.usage - before.usage) / 1e7 / seconds));
  const periods = cpu.periods - before.periods;
  const share = periods > 0 ? Math.round(((cpu.throttledPeriods - before.throttledPeriods) / periods) * 100) : 0;
  const used = cpu.limit === undefined ? percent : l10n.t('{0} of {1} CPUs', percent, cpu.limit);
  return share > 0 ? `${used} · ${l10n.t('held back {0}% of the time', share)}` : used;
}

function memoryText({ current, inactiveFile, limit }: NonNullable<Gauge['memory']>): string {
  const used = Math.max(0, current - inactiveFile);
  const text = ofLimit(formatMemory(used), limit, formatMemory);
  return limit ? `${text} · ${Math.round((used / limit) * 100)}%` : text;
}

function ioText(io: NonNullable<Gauge['io']>, readings: Readings): string {
  const seconds = secondsOf(readings);
  const before = readings.before?.io;
  if (seconds === undefined || !before) return '…';
  const rate = (bytes: number) => `${formatSize(Math.max(0, bytes) / seconds)}/s`;
  return l10n.t(
    'reads {0}, writes {1}',
    rate(io.readBytes - before.readBytes),
    rate(io.writeBytes - before.writeBytes),
  );
}

/** How much of the last ten seconds something had to wait. */
function pressureText(pressure: Gauge['pressure']): string {
  const kinds = [
    [l10n.t('CPU'), pressure?.cpu],
    [l10n.t('memory'), pressure?.memory],
    [l10n.t('I/O'), pressure?.io],
  ] as const;
  const parts = kinds.flatMap(([name, one]) => (one ? [`${name} ${formatPercent(one.some.avg10)}`] : []));
  return parts.length > 0 ? parts.join(' · ') : l10n.t('not measured');
}

const ofLimit = (text: string, limit: number | undefined, format: (value: number) => string): string =>
  limit === undefined ? text : l10n.t('{0} of {1}', text, format(limit));
