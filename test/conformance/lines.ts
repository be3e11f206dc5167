/** Shapes of columns whose figures differ from run to run. */

/** `docker stats`: CPU and memory in use are figures; limits and pids are facts. */
export const statsLine = (text: string): string =>
  text.replace(/[\d.]+%/g, 'PERCENT').replace(/[\d.]+[kKMG]?i?B \/ /g, 'USED / ');

/** `docker top`: pids, times and the load differ; users and commands do not. */
export const topLines = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .map((line) => line.replace(/^(\S+) \d+ \d+ \d+ \S+ (\S+) [\d:]+ (.*)$/, '$1 PID PPID C STIME $2 TIME $3'))
    .join('\n');

/** Lines in any order: for what the engine writes from two processes at once. */
export const sorted = (text: string): string => text.split('\n').sort().join('\n');

/** The table of `docker ps` or `docker images` with one space between columns. */
export const columns = (text: string): string => text.replace(/ {2,}/g, ' | ').replace(/ +$/gm, '');

/** An interactive shell: prompts, typed-ahead echoes and questions to the terminal come when they come; the answer counts. */
export const shellAnswer = (text: string): string => /^(sum-\d+)$/m.exec(text)?.[1] ?? text;
