import type { Random } from './random.ts';

/** A tar archive with up to eight members of all kinds, most of them well made, and up to four places damaged. */
export function mutatedTar(random: Random): Buffer {
  const members = Array.from({ length: random.below(8) }, () => member(random));
  const end = random.chance(0.8) ? [Buffer.alloc(1024)] : [];
  const archive = Buffer.concat([...members, ...end]);
  if (archive.length === 0 || random.chance(0.3)) return archive;
  for (let count = random.below(4); count > 0; count--) archive[random.below(archive.length)] = random.below(256);
  return random.chance(0.2) ? archive.subarray(0, random.below(archive.length)) : archive;
}

const names = [
  ...['a', 'd/', 'd/f', 'link', 'link/x', '../escape', '/etc/absolute', './', '.', '', 'a/../../b', 'x'.repeat(100)],
  ...[
    '\u00ff\u00fe',
    'manifest.json',
    'index.json',
    'oci-layout',
    'blobs/sha256/00',
    '.wh.a',
    '.wh..wh..opq',
    'dev',
    'proc/self/mem',
  ],
];
const targets = ['/', '..', '../../..', '/etc', '/proc/1/root', 'a', 'link', '', 'x'.repeat(100), '/proc/self/fd/3'];
/** File, hard link, symbolic link, devices, directory, fifo, GNU and POSIX extensions, nobody's. */
const types = ['0', '\0', '1', '2', '3', '4', '5', '6', '7', 'L', 'K', 'x', 'g', 'S', 'V', 'Z'];

function member(random: Random): Buffer {
  const type = random.pick(types);
  const data = type === 'x' || type === 'g' ? pax(random) : random.bytes(random.chance(0.5) ? 0 : random.below(900));
  const header = Buffer.alloc(512);
  const put = (text: string, at: number, size: number): unknown =>
    header.write(text.slice(0, size), at, size, 'latin1');
  const octal = (value: number, size: number): string => `${value.toString(8).padStart(size - 1, '0')}\0`;
  put(random.pick(names), 0, 100);
  put(octal(random.pick([0o644, 0o755, 0o7777, 0, 0o177777]), 8), 100, 8);
  put(octal(random.pick([0, 1000, 65534, 2 ** 21 - 1]), 8), 108, 8);
  put(octal(random.pick([0, 1000, 65534]), 8), 116, 8);
  put(octal(random.chance(0.9) ? data.length : random.pick([0, 1, 2 ** 20, 2 ** 33 - 1]), 12), 124, 12);
  put(octal(random.pick([0, 1_700_000_000, 2 ** 33 - 1]), 12), 136, 12);
  put(type, 156, 1);
  put(random.pick(targets), 157, 100);
  put(random.chance(0.9) ? 'ustar\x0000' : 'ustar  \0', 257, 8);
  put(octal(random.below(300), 8), 329, 8);
  put(octal(random.below(300), 8), 337, 8);
  put(random.chance(0.1) ? random.pick(names) : '', 345, 155);
  if (random.chance(0.05)) header[124] = 0x80 | random.below(128);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(`${(random.chance(0.95) ? sum : sum + 1).toString(8).padStart(6, '0')}\0 `, 148, 8);
  return Buffer.concat([header, data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
}

function pax(random: Random): Buffer {
  const records = Array.from({ length: 1 + random.below(3) }, () => {
    const key = random.pick([
      'path',
      'linkpath',
      'size',
      'mtime',
      'uid',
      'SCHILY.xattr.user.a',
      'SCHILY.xattr.security.capability',
      'GNU.sparse.major',
      'GNU.sparse.map',
      'GNU.sparse.realsize',
      'hdrcharset',
      '',
    ]);
    const value = random.pick(['a', '../../x', '-1', '99999999999999999999', '1.5', '0,1,2', '', 'x'.repeat(500), '1']);
    const body = ` ${key}=${value}\n`;
    const length = body.length + String(body.length + 2).length;
    return `${random.chance(0.9) ? length : random.below(10 ** 6)}${body}`;
  });
  return Buffer.from(records.join(''), 'latin1');
}
