import type { ByteSource } from './byte-source.ts';
import { invalidArchive, unsupportedArchive } from './errors.ts';
import { blockSize, number } from './tar-header.ts';
import { type PaxRecords, paxNumber } from './tar-pax.ts';

/** A sparse file: its real size and the places of the data that the archive stores, in order. */
export interface SparseMap {
  readonly size: number;
  readonly segments: readonly Segment[];
}

export interface Segment {
  readonly offset: number;
  readonly length: number;
}

/** More segments than any writer makes of a real file. */
const mostSegments = 1_000_000;

/** The old GNU format: four segments in the header, 21 in each extension block that follows it. */
export async function oldGnuSparse(header: Buffer, source: ByteSource): Promise<SparseMap> {
  const segments = gnuSegments(header, 386, 4);
  let more = header[482] === 1;
  while (more) {
    const block = await source.take(blockSize);
    if (block.length < blockSize) throw invalidArchive('it ends in the middle of a sparse file map');
    segments.push(...gnuSegments(block, 0, 21));
    more = block[504] === 1;
    if (segments.length > mostSegments) throw invalidArchive('a sparse file has too many segments');
  }
  return { size: number(header, 483, 12), segments };
}

/** The pax format 0.1 (a map in the header). Undefined when the records describe no such file. */
export function paxSparse(records: PaxRecords): SparseMap | undefined {
  const size = records.get('GNU.sparse.size');
  const map = records.get('GNU.sparse.map');
  // GNU tar 1.15.90 alone wrote format 0.0, which repeats its keys.
  if (!map && records.has('GNU.sparse.offset')) throw unsupportedArchive('a sparse file in the pax format 0.0');
  if (!size || !map) return undefined;
  return { size: paxNumber(size), segments: pairs(map.toString('latin1').split(',')) };
}

/** True for the pax format 1.0, which keeps its map in front of the data. */
export const isPaxSparse1 = (records: PaxRecords): boolean =>
  records.get('GNU.sparse.major')?.toString('latin1') === '1' &&
  records.get('GNU.sparse.minor')?.toString('latin1') === '0';

/** Reads the map of format 1.0. @returns the map and the bytes it took of the file's stored size. */
export async function paxSparse1(
  records: PaxRecords,
  source: ByteSource,
  stored: number,
): Promise<{ map: SparseMap; taken: number }> {
  const realSize = records.get('GNU.sparse.realsize');
  if (!realSize) throw invalidArchive('a sparse file has no real size');
  let text = '';
  let taken = 0;
  const numbers: string[] = [];
  for (let wanted = 1; numbers.length < wanted; ) {
    if (taken + blockSize > stored) throw invalidArchive('a sparse file map is longer than its file');
    const block = await source.take(blockSize);
    if (block.length < blockSize) throw invalidArchive('it ends in the middle of a sparse file map');
    taken += blockSize;
    const lines = (text + block.toString('latin1')).split('\n');
    text = lines.pop() ?? '';
    numbers.push(...lines);
    if (numbers.length > 0) wanted = 1 + 2 * decimal(numbers[0] ?? '');
    if (wanted > 2 * mostSegments) throw invalidArchive('a sparse file has too many segments');
  }
  const segments = pairs(numbers.slice(1, 1 + 2 * decimal(numbers[0] ?? '')));
  return { map: { size: paxNumber(realSize), segments }, taken };
}

/** @throws invalid unless the segments are in order, inside the file and add up to what the archive stores. */
export function checkSparse({ size, segments }: SparseMap, stored: number): void {
  let end = 0;
  let total = 0;
  for (const { offset, length } of segments) {
    if (offset < end || offset + length > size) throw invalidArchive('a sparse file map contradicts itself');
    end = offset + length;
    total += length;
  }
  if (total !== stored) throw invalidArchive('a sparse file map does not match its data');
}

function gnuSegments(block: Buffer, offset: number, count: number): Segment[] {
  const found: Segment[] = [];
  for (let at = offset; found.length < count; at += 24) {
    if ((block[at] ?? 0) === 0) break;
    found.push({ offset: number(block, at, 12), length: number(block, at + 12, 12) });
  }
  return found;
}

function pairs(numbers: readonly string[]): Segment[] {
  const found: Segment[] = [];
  for (let at = 0; at + 1 < numbers.length; at += 2) {
    found.push({ offset: decimal(numbers[at] ?? ''), length: decimal(numbers[at + 1] ?? '') });
  }
  return found;
}

function decimal(text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) throw invalidArchive('a sparse file map has a malformed number');
  return Number(text);
}
