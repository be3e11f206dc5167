import { directory, file, hardlink, type Item, symlink, tarOf } from '../store/rig.ts';

/** cap_net_raw=ep, as setcap(8) writes it. */
const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');

const odd: readonly Item[] = [
  directory('odd', { mode: 0o1777, uid: 12, gid: 34 }),
  file('odd/capable', 'able', {
    mode: 0o755,
    pax: { 'SCHILY.xattr.security.capability': capability.toString('latin1') },
  }),
  file('odd/setuid', 'root', { mode: 0o4755 }),
  file('odd/large', Buffer.alloc(700_000, 'large')),
  { name: 'odd/null', type: 'character-device', mode: 0o666, devmajor: 1, devminor: 3 },
  { name: 'odd/fifo', type: 'fifo', mode: 0o600 },
  file('odd/name', 'one'),
  hardlink('odd/another', 'odd/name'),
  symlink('odd/link', '../odd/name'),
  file(`odd/${'long'.repeat(60)}`, 'long'),
];

/** Layers in which everything happens that a layer can do. Times are set: on the disk they have nanoseconds, in an archive not. */
const dockerfile = `FROM bb
ADD odd.tar /
RUN mkdir -p /d/sub /gone/deep /emptied/below && echo stays > /d/stays && echo six666 > /d/content && echo mode > /d/mode \\
 && echo owner > /d/owner && echo f > /gone/deep/f && echo g > /emptied/below/g && ln -s /d /link && echo old > /type \\
 && echo linked > /d/one && ln /d/one /d/two && echo same > /d/same && touch -h -d @1700000000 /d/* /link /type
RUN echo SIX666 > /d/content && chmod 600 /d/mode && chown 12:34 /d/owner && rm -r /gone && rm -r /emptied && mkdir /emptied \\
 && echo h > /emptied/h && rm /link && ln -s sub /link && rm /type && mkdir /type && echo in > /type/in && echo more >> /d/two \\
 && touch -h -d @1700000001 /d/content /d/two /d/one /d/same /emptied/h /link /type/in && rm /odd/name
RUN echo last > /d/content && touch -d @1700000002 /d/content && rm -r /d/sub
RUN echo LAST > /d/content && touch -d @1700000002 /d/content
ENV nothing=changed
CMD ["sh"]
`;

/** What is built: a context for `docker build -`. */
export async function buildContext(): Promise<Buffer> {
  return await tarOf([file('Dockerfile', dockerfile), file('odd.tar', await tarOf(odd))]);
}
