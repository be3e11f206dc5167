export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const profile = (rule: object): string =>
  `seccomp=${JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ action: 'SCMP_ACT_ERRNO', ...rule }] })}`;

/** What has made programs fall over before. */
export const odd: readonly Json[] = [
  ...[null, true, false, 0, -1, 1, 1.5, 1e308, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, -(2 ** 63)],
  ...['', ' ', '/', '..', '../../etc', '/../..', '\0', 'a\0b', '\ud800', 'x'.repeat(5000), '🐳', '\n', '%s%n'],
  ...['$PATH', 'a=b', '=', ':', '::', 'a:b:c:d', '/a:/b', '/a:/b:ro,rw', 'container:', 'container:x', '\x1b[31m'],
  ...['host', 'none', '0-99999', '0,1,', '-1', 'NaN', '1e9', 'seccomp={}', 'apparmor=x', '__proto__', 'constructor'],
  ...['9999999999999', '0x10', '00', '1970-01-01T00:00:00Z', '9999-12-31T23:59:59Z', 'true', 'null', '\u202e'],
  profile({ names: ['nope'] }),
  profile({ names: ['read'], args: [{ index: 9, value: 1, op: 'SCMP_CMP_EQ' }] }),
  ...[[], [[]], [null], {}, { a: null }, { constructor: {} }, { toString: 'x' }, ['a', 5], [''], ['\n'], { '': '' }],
  Array.from({ length: 2000 }, (_, index) => String(index)),
  JSON.parse('{"__proto__":{"polluted":true}}'),
];

/** Those of the same type as a value. */
export function oddLike(value: Json | undefined): readonly Json[] {
  return odd.filter((one) => typeof one === typeof value && Array.isArray(one) === Array.isArray(value));
}
