import type { BlockDevice, Resources } from '../oci/runtime.ts';

/** Numbers of the specification, which are those of cgroup v1, in the words of the kernel's files. */

/** Also for numbers that JavaScript would write with an exponent. */
export const decimal = (value: number): string => BigInt(Math.trunc(value)).toString();
/** A negative number means unlimited. */
export const orMax = (value: number): string => (value < 0 ? 'max' : decimal(value));
/** 0 means "not set" wherever the specification gives no other meaning to it. */
export const set = (value: number | undefined): number | undefined => (value === 0 ? undefined : value);

/** The specification counts memory and swap together, cgroup v2 counts swap alone. */
export function swapOnly(memory: Resources['memory']): string | undefined {
  if (memory?.swap === undefined || memory.swap === 0) return undefined;
  if (memory.swap < 0) return 'max';
  return memory.limit === undefined || memory.limit <= 0 ? undefined : decimal(memory.swap - memory.limit);
}

/** cpu.max: 'QUOTA PERIOD', one of them alone where the other stays. */
export function quotaAndPeriod(cpu: Resources['cpu']): string | undefined {
  const [quota, period] = [set(cpu?.quota), set(cpu?.period)];
  if (quota === undefined && period === undefined) return undefined;
  const first = quota === undefined ? 'max' : orMax(quota);
  return period === undefined ? first : `${first} ${period}`;
}

/** Shares are 2 to 262144, weights 1 to 10000: the ends meet. */
export function weightOfShares(shares: number): number {
  const inRange = Math.min(Math.max(shares, 2), 262144);
  return 1 + Math.floor(((inRange - 2) * 9999) / 262142);
}

/** Weights of blkio are 10 to 1000, of io 1 to 10000. */
export function weightOfBlkio(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

export type ThrottleKind = 'rbps' | 'wbps' | 'riops' | 'wiops';
/** Files of v1; the kinds are the keys of v2's io.max. */
export const throttleFiles: Readonly<Record<ThrottleKind, string>> = {
  rbps: 'blkio.throttle.read_bps_device',
  wbps: 'blkio.throttle.write_bps_device',
  riops: 'blkio.throttle.read_iops_device',
  wiops: 'blkio.throttle.write_iops_device',
};

export interface Throttle {
  readonly kind: ThrottleKind;
  /** MAJOR:MINOR */
  readonly device: string;
  /** Bytes or operations per second; 0 is unlimited. */
  readonly rate: number;
}

export function throttlesOf({ blockIO }: Resources): Throttle[] {
  const all = (kind: ThrottleKind, devices: readonly BlockDevice<{ readonly rate: number }>[] | undefined) =>
    (devices ?? []).map(({ major, minor, rate }) => ({ kind, device: `${major}:${minor}`, rate }));
  return [
    ...all('rbps', blockIO?.throttleReadBpsDevice),
    ...all('wbps', blockIO?.throttleWriteBpsDevice),
    ...all('riops', blockIO?.throttleReadIOPSDevice),
    ...all('wiops', blockIO?.throttleWriteIOPSDevice),
  ];
}
