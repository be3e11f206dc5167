import type { CgroupReading, DeviceIo, LimitsInForce } from '../../protocol/usage.ts';
import { blockDeviceName } from '../sys/machine.ts';
import { type FileReader, optional } from './file-reader.ts';
import { nestedKeyed, numberIn } from './parse.ts';

type Figures = Omit<DeviceIo, 'device' | 'name'>;
const none: Figures = { readBytes: 0, writeBytes: 0, reads: 0, writes: 0 };

/** Undefined: no such controller here. */
export async function ioUsage(read: FileReader): Promise<CgroupReading['io']> {
  const found = read.version === 1 ? await usageV1(read) : await usageV2(read);
  if (found === undefined) return undefined;
  const devices = await Promise.all(
    [...found].map(async ([device, figures]) => ({
      device,
      ...optional('name', await blockDeviceName(device)),
      ...figures,
    })),
  );
  const sum = (pick: (one: Figures) => number): number => devices.reduce((total, one) => total + pick(one), 0);
  return {
    readBytes: sum((one) => one.readBytes),
    writeBytes: sum((one) => one.writeBytes),
    reads: sum((one) => one.reads),
    writes: sum((one) => one.writes),
    devices,
  };
}

type ByDevice = ReadonlyMap<string, Figures>;

/** v1's two files of what went to and from disks. The recursive ones are of Linux 4.15; without them a cgroup's own is what can be told. */
export function trafficV1({ file }: FileReader): Promise<(string | undefined)[]> {
  const names = ['blkio.throttle.io_service_bytes', 'blkio.throttle.io_serviced'];
  return Promise.all(names.map(async (name) => (await file('blkio', `${name}_recursive`)) ?? file('blkio', name)));
}

async function usageV1(read: FileReader): Promise<ByDevice | undefined> {
  const [bytes, count] = await trafficV1(read);
  if (bytes === undefined) return undefined;
  const found = new Map<string, { -readonly [K in keyof Figures]: number }>();
  const add = (
    text: string | undefined,
    names: { readonly Read: keyof Figures; readonly Write: keyof Figures },
  ): void => {
    for (const line of (text ?? '').split('\n')) {
      const [device = '', word, value] = line.split(' ');
      if (word !== 'Read' && word !== 'Write') continue;
      const figures = found.get(device) ?? { ...none };
      figures[names[word]] = Number(value ?? 0);
      found.set(device, figures);
    }
  };
  add(bytes, { Read: 'readBytes', Write: 'writeBytes' });
  add(count, { Read: 'reads', Write: 'writes' });
  return found;
}

async function usageV2({ file }: FileReader): Promise<ByDevice | undefined> {
  const text = await file('io', 'io.stat');
  if (text === undefined) return undefined;
  return new Map(
    nestedKeyed(text)
      .filter(({ values }) => values.size > 0)
      .map(({ key, values }) => [
        key,
        {
          readBytes: values.get('rbytes') ?? 0,
          writeBytes: values.get('wbytes') ?? 0,
          reads: values.get('rios') ?? 0,
          writes: values.get('wios') ?? 0,
        },
      ]),
  );
}

type DeviceLimits = NonNullable<LimitsInForce['io']>['devices'][number];
type Limit = 'readBytes' | 'writeBytes' | 'reads' | 'writes';

const limitFiles: readonly (readonly [file: string, limit: Limit])[] = [
  ['blkio.throttle.read_bps_device', 'readBytes'],
  ['blkio.throttle.write_bps_device', 'writeBytes'],
  ['blkio.throttle.read_iops_device', 'reads'],
  ['blkio.throttle.write_iops_device', 'writes'],
];
const limitKeys: Readonly<Record<string, Limit>> = {
  rbps: 'readBytes',
  wbps: 'writeBytes',
  riops: 'reads',
  wiops: 'writes',
};

export async function ioLimits(read: FileReader): Promise<LimitsInForce['io']> {
  const { file, version } = read;
  const weights = version === 1 ? ['blkio.weight', 'blkio.bfq.weight'] : ['io.bfq.weight', 'io.weight'];
  const [limits, ...texts] = await Promise.all([
    version === 1 ? limitsV1(read) : limitsV2(read),
    ...weights.map((name) => file(version === 1 ? 'blkio' : 'io', name)),
  ]);
  if (limits === undefined) return undefined;
  const weight = texts.map((text) => numberIn(text?.replace(/^default /, ''))).find((one) => one !== undefined);
  const devices = await Promise.all(
    [...limits].map(
      async ([device, found]): Promise<DeviceLimits> => ({
        device,
        ...optional('name', await blockDeviceName(device)),
        ...Object.fromEntries(found),
      }),
    ),
  );
  return { ...optional('weight', weight), devices };
}

type LimitMap = ReadonlyMap<string, ReadonlyMap<Limit, number>>;

async function limitsV1({ file }: FileReader): Promise<LimitMap | undefined> {
  const texts = await Promise.all(limitFiles.map(([name]) => file('blkio', name)));
  if (texts.every((text) => text === undefined)) return undefined;
  const found = new Map<string, Map<Limit, number>>();
  for (const [index, [, limit]] of limitFiles.entries()) {
    for (const line of (texts[index] ?? '').split('\n')) {
      const [device = '', value] = line.split(' ');
      if (value === undefined) continue;
      found.set(device, (found.get(device) ?? new Map<Limit, number>()).set(limit, Number(value)));
    }
  }
  return found;
}

async function limitsV2({ file }: FileReader): Promise<LimitMap | undefined> {
  const text = await file('io', 'io.max');
  if (text === undefined) return undefined;
  const found = new Map<string, Map<Limit, number>>();
  for (const { key, values } of nestedKeyed(text)) {
    const limits = new Map<Limit, number>();
    for (const [name, value] of values) {
      const limit = limitKeys[name];
      // 'max' is no number, and no limit.
      if (limit !== undefined && !Number.isNaN(value)) limits.set(limit, value);
    }
    found.set(key, limits);
  }
  return found;
}
