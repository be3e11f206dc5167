import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

/** Linux errors that Node has no name for; the same numbers on x64 and arm64. */
const rare: Readonly<Record<string, number>> = {
  EBADSLT: 57,
  ENONET: 64,
  ECOMM: 70,
  EUNATCH: 49,
  ENOTUNIQ: 76,
  ERESTART: 85,
  EUSERS: 87,
  ESOCKTNOSUPPORT: 94,
  EPFNOSUPPORT: 96,
  ETOOMANYREFS: 109,
  EREMOTEIO: 121,
  EUCLEAN: 117,
  ENOMEDIUM: 123,
  EMEDIUMTYPE: 124,
  ENOKEY: 126,
  EKEYEXPIRED: 127,
  EKEYREVOKED: 128,
  EKEYREJECTED: 129,
  EOWNERDEAD: 130,
  ENOTRECOVERABLE: 131,
  ERFKILL: 132,
  EHWPOISON: 133,
};

const numbers = new Map<string, number>([...Object.entries(constants.errno), ...Object.entries(rare)]);
const names = new Map<number, string>([...numbers].map(([name, number]) => [number, name]));
// Two names, one number: the one that people search for.
names.set(constants.errno.EAGAIN, 'EAGAIN');
names.set(constants.errno.EOPNOTSUPP, 'EOPNOTSUPP');

/** The name of a Linux errno, for example 2: 'ENOENT'; an unknown one is 'errno N'. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

/** The number of a Linux errno name. */
export function errnoNumber(name: string): number {
  const number = numbers.get(name);
  if (number === undefined) throw new RangeError(`${name} is not a Linux errno`);
  return number;
}

/** What an errno means, in lower case: 'no such file or directory'. Empty when nobody says. */
export function errnoMeaning(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[1] ?? '';
}
