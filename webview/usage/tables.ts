import { formatMemory, formatNanoseconds, formatPercent, formatSize } from '../../src/base/units.ts';
import type { CgroupReading, Pressure } from '../../src/protocol/usage.ts';
import type { UsagePoint } from '../../src/protocol/usage-history.ts';
import { element, factRow } from '../shared/dom.ts';

type Translate = (sentence: string, ...values: (string | number)[]) => string;

/** The numbers behind the charts: what is used, what is allowed, what was refused. */
export function factsTable(reading: CgroupReading, latest: UsagePoint | undefined, t: Translate): HTMLElement {
  return element('table', { class: 'numbers' }, [
    element('caption', { class: 'visually-hidden', text: t('Readings of the cgroup') }),
    ...cpuRows(reading, latest, t),
    ...memoryRows(reading, t),
    ...pidsRows(reading, t),
    ...ioRows(reading, t),
    ...pressureRows(reading, t),
  ]);
}

/** The charts' last moments as a table, newest first. */
export function historyTable(samples: readonly UsagePoint[], t: Translate): HTMLElement {
  const heads = [t('Time'), t('CPU'), t('Memory'), t('PIDs')];
  const rows = samples.slice(-20).reverse();
  return element('table', { class: 'history' }, [
    element('caption', { class: 'visually-hidden', text: t('The last readings') }),
    element('thead', {}, [
      element(
        'tr',
        {},
        heads.map((text, index) =>
          element('th', { text, class: index > 0 ? 'head number' : 'head', attributes: { scope: 'col' } }),
        ),
      ),
    ]),
    element(
      'tbody',
      {},
      rows.map((sample) =>
        element('tr', {}, [
          element('td', { text: new Date(sample.at).toLocaleTimeString(document.documentElement.lang) }),
          number(sample.cpu, formatPercent),
          number(sample.memory, formatMemory),
          number(sample.pids, String),
        ]),
      ),
    ),
  ]);
}

function number(value: number | undefined, format: (value: number) => string): HTMLElement {
  return element('td', { class: 'number', text: value === undefined ? '–' : format(value) });
}

function group(name: string, rows: readonly HTMLElement[]): HTMLElement[] {
  const head = element('tr', { class: 'group' }, [
    element('th', { text: name, attributes: { scope: 'rowgroup', colspan: '2' } }),
  ]);
  return [element('tbody', {}, [head, ...rows])];
}

function cpuRows({ cpu }: CgroupReading, latest: UsagePoint | undefined, t: Translate): HTMLElement[] {
  if (!cpu) return [];
  return group(t('CPU'), [
    factRow(t('Now'), latest?.cpu === undefined ? '–' : formatPercent(latest.cpu)),
    factRow(t('Limit'), cpu.limit === undefined ? t('none') : t('{0} CPUs', cpu.limit)),
    factRow(t('Used in all'), formatNanoseconds(cpu.usage)),
    factRow(t('User and system'), `${formatNanoseconds(cpu.user)} + ${formatNanoseconds(cpu.system)}`),
    factRow(
      t('Throttled'),
      t('{0} of {1} periods, {2}', cpu.throttledPeriods, cpu.periods, formatNanoseconds(cpu.throttledTime)),
    ),
  ]);
}

function memoryRows({ memory }: CgroupReading, t: Translate): HTMLElement[] {
  if (!memory) return [];
  const share = memory.limit ? ` (${formatPercent((memory.current / memory.limit) * 100)})` : '';
  return group(t('Memory'), [
    factRow(t('Now'), `${formatMemory(memory.current)}${share}`),
    factRow(t('Limit'), memory.limit === undefined ? t('none') : formatMemory(memory.limit)),
    ...(memory.peak === undefined ? [] : [factRow(t('Highest'), formatMemory(memory.peak))]),
    factRow(t('Anonymous'), formatMemory(memory.anon)),
    factRow(t('File cache'), formatMemory(memory.file)),
    ...(memory.kernel === undefined ? [] : [factRow(t('Kernel'), formatMemory(memory.kernel))]),
    ...(memory.swap === undefined ? [] : [factRow(t('Swap'), formatMemory(memory.swap))]),
    factRow(t('Killed for lack of memory'), String(memory.oomKills), { alarming: memory.oomKills > 0 }),
  ]);
}

function pidsRows({ pids }: CgroupReading, t: Translate): HTMLElement[] {
  if (!pids) return [];
  return group(t('PIDs'), [
    factRow(t('Now'), String(pids.current)),
    factRow(t('Limit'), pids.limit === undefined ? t('none') : String(pids.limit)),
    factRow(t('Refused forks'), String(pids.refused), { alarming: pids.refused > 0 }),
  ]);
}

function ioRows({ io }: CgroupReading, t: Translate): HTMLElement[] {
  if (!io) return [];
  return group(t('Disk'), [
    factRow(t('Read'), t('{0} in {1} operations', formatSize(io.readBytes), io.reads)),
    factRow(t('Written'), t('{0} in {1} operations', formatSize(io.writeBytes), io.writes)),
  ]);
}

function pressureRows({ pressure }: CgroupReading, t: Translate): HTMLElement[] {
  if (!pressure) return [];
  const line = (side: Pressure['some']) => t('{0} over 10 s, {1} over 60 s', percent(side.avg10), percent(side.avg60));
  const of = (name: string, one: Pressure | undefined): HTMLElement[] => [
    ...(one ? [factRow(t('{0}, something waited', name), line(one.some))] : []),
    ...(one?.full ? [factRow(t('{0}, all waited', name), line(one.full))] : []),
  ];
  const rows = [...of(t('CPU'), pressure.cpu), ...of(t('Memory'), pressure.memory), ...of(t('Disk'), pressure.io)];
  return rows.length > 0 ? group(t('Time lost waiting'), rows) : [];
}

const percent = (value: number): string => `${value.toFixed(1)}%`;
