import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

export type Cpu = 'x64' | 'arm64';

/** A file that is brought to hosts. */
export interface AgentFile {
  readonly name: string;
  /** On this computer. */
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

/** The agent as the extension carries it: `dist/agent`. */
export interface AgentFiles {
  /** Names the directory on hosts: the digest of every file's name and content. */
  readonly digest: string;
  readonly agent: AgentFile;
  shim(cpu: Cpu): AgentFile | undefined;
}

const AGENT = 'porthole-agent.cjs';

/** @param dir holds porthole-agent.cjs and shim-linux-CPU for one or both CPUs */
export async function readAgentFiles(dir: string): Promise<AgentFiles> {
  const names = (await readdir(dir)).filter((name) => name === AGENT || /^shim-linux-(x64|arm64)$/.test(name)).sort();
  const files = await Promise.all(
    names.map(async (name): Promise<AgentFile> => {
      const content = await readFile(path.join(dir, name));
      const sha256 = createHash('sha256').update(content).digest('hex');
      return { name, path: path.join(dir, name), size: content.length, sha256 };
    }),
  );
  const agent = files.find((file) => file.name === AGENT);
  if (!agent) throw new Error(`${AGENT} is missing in ${dir}`);
  const all = files.map((file) => `${file.sha256}  ${file.name}\n`).join('');
  return {
    digest: createHash('sha256').update(all).digest('hex').slice(0, 32),
    agent,
    shim: (cpu) => files.find((file) => file.name === `shim-linux-${cpu}`),
  };
}
