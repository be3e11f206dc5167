import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { which } from './tools.ts';

const exec = promisify(execFile);

/** An ordinary user of the host, made for a test. */
export interface TestUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** Of /etc/subuid. */
  readonly subordinate: { readonly start: number; readonly size: number };
  /** Takes the ranges away. */
  forgetRanges(): Promise<void>;
  /** Removes the account, its ranges and its home. Its processes have to have ended. */
  remove(): Promise<void>;
}

/** Makes a user with a home below /tmp and ranges in /etc/subuid and /etc/subgid. Needs root. */
export async function makeUser(purpose: string): Promise<TestUser> {
  const name = `ph${purpose}${process.pid}`;
  const home = `/tmp/porthole-home-${name}`;
  await exec(which('useradd') ?? 'useradd', [
    '--create-home',
    '--home-dir',
    home,
    '--shell',
    '/bin/bash',
    '--password',
    '*',
    name,
  ]);
  const remove = async () => {
    await exec(which('userdel') ?? 'userdel', ['--force', name]);
    await rm(home, { recursive: true, force: true });
  };
  try {
    const ids = new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm').exec(await readFile('/etc/passwd', 'utf8'));
    const [uid, gid] = [Number(ids?.[1]), Number(ids?.[2])];
    const subuid = () => readFile('/etc/subuid', 'utf8').catch(() => '');
    const pattern = new RegExp(`^${name}:(\\d+):(\\d+)$`, 'm');
    if (!pattern.test(await subuid())) {
      // Where useradd gives none by itself: far above what it would give to others.
      const range = `${600_000_000 + uid * 65_536}-${600_000_000 + uid * 65_536 + 65_535}`;
      await exec(which('usermod') ?? 'usermod', ['--add-subuids', range, '--add-subgids', range, name]);
    }
    const granted = pattern.exec(await subuid());
    const subordinate = { start: Number(granted?.[1]), size: Number(granted?.[2]) };
    const range = `${subordinate.start}-${subordinate.start + subordinate.size - 1}`;
    const forgetRanges = async () => {
      await exec(which('usermod') ?? 'usermod', ['--del-subuids', range, '--del-subgids', range, name]);
    };
    return { name, uid, gid, home, subordinate, forgetRanges, remove };
  } catch (failure) {
    await remove();
    throw failure;
  }
}
