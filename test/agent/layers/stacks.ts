const setXattr = (path: string, name: string, value: string): string =>
  `python3 -c 'import os; os.setxattr("${path}", "${name}", b"${value}")'`;

const tree = `
  mkdir -p d/e/f d/g; printf 1 > d/e/f/one; printf 22 > d/e/two; printf 333 > d/three; printf 4444 > d/g/four
  ln -s e/two d/l; printf 55555 > five`;

/** Images by what is special in them: a script for each layer, run in an empty directory; $LAYER is its number. */
export const stacks: Readonly<Record<string, readonly string[]>> = {
  'device nodes that come, change and go': [
    'mkdir dev; mknod dev/null c 1 3; mknod dev/loop b 7 0; mknod dev/big c 300 70000; mkfifo dev/pipe; printf file > dev/file',
    'mkdir dev; mknod dev/null c 1 5; chmod 640 dev/null; mknod dev/loop c 7 0; printf "a file" > dev/big; mknod dev/file b 8 1',
    'mkdir dev; touch dev/.wh.null; mkdir dev/loop; mknod dev/pipe c 5 1; mkfifo dev/big; printf again > dev/file',
  ],
  'attributes and capabilities': [
    `printf program > p; cp p q; mkdir d; setcap cap_net_raw+ep p; ${setXattr('q', 'user.kind', 'old')}; ${setXattr('d', 'user.dir', '1')}`,
    `printf program > p; cp p q; mkdir d; setcap cap_net_admin+ep p; ${setXattr('q', 'user.kind', 'new\\\\0binary\\\\xff')}`,
    `printf program > p; printf program > q; ${setXattr('q', 'user.other', 'o')}; ${setXattr('q', 'user.more', 'm')}; chown 5:6 p; chmod 4755 p`,
  ],
  'sparse files': [
    `truncate -s 1M s; printf x | dd of=s bs=1 seek=500000 conv=notrunc status=none; truncate -s 64K all; head -c 4096 /dev/urandom > full`,
    `truncate -s 1M s; printf y | dd of=s bs=1 seek=700000 conv=notrunc status=none; head -c 65536 /dev/zero | tr '\\0' z > all`,
    `touch .wh.s; truncate -s 3M full`,
  ],
  'whiteouts of directories, and what comes in their place': [
    tree,
    'touch .wh.d',
    'mkdir -p d/e; printf 666666 > d/e/two',
    'mkdir d; touch d/.wh.e; printf 7777777 > d/new',
    'touch .wh.d; touch .wh.five; touch .wh.never',
  ],
  'a whiteout beside the directory that it makes room for': [
    tree,
    'touch .wh.d; mkdir d; printf new > d/three',
    'mkdir d; touch d/.wh.three; mkdir d/e',
  ],
  'opaque directories, one in the other': [
    tree,
    'mkdir -p d/e; touch d/e/.wh..wh..opq; printf 22 > d/e/two; printf more > d/e/more',
    'mkdir -p d/g; touch d/.wh..wh..opq; printf 8 > d/g/eight',
    'mkdir -p d/g; touch d/g/.wh..wh..opq',
  ],
  'links that point elsewhere': [
    `${tree}; ln -s d to; ln -s nowhere dangling; ln -s five here`,
    'ln -s d/e to; ln -s five dangling; ln -s five here; chown -h 3:4 here',
    'ln -s /d to; touch .wh.dangling; ln -s to here',
  ],
  'everything becomes something else': [
    `${tree}; ln -s d link; mkfifo pipe; mknod node c 1 3; mkdir -p full/of; printf things > full/of/things`,
    'mkdir five link pipe; printf in > five/in; printf at > link/at; printf in > pipe/in; printf d > d; ln -s d full; mkdir node',
    'printf five > five; ln -s five link; mkfifo d; printf node > node; mknod pipe b 7 1; mkdir full; printf full > full/new',
  ],
  'names of one file across layers': [
    'printf shared > one; ln one two; ln one three; mkdir d; ln one d/four; printf pair > x; ln x y',
    'printf other > two; touch .wh.three; printf pair > x; ln x y',
    'printf shared > one; chmod 600 one; ln one five; mkdir d; touch d/.wh.four; touch .wh.x',
    'touch .wh.one; touch .wh.y; printf 5 > six; ln six seven',
  ],
  'names that are not UTF-8': [
    `mkdir $'d\\xe9'; printf latin > $'d\\xe9/caf\\xe9'; printf utf > 'd2é'; ln -s $'\\xff' $'l\\xfe'; ln $'d\\xe9/caf\\xe9' $'h\\x80'; printf half > $'\\xe2\\x82'`,
    `mkdir $'d\\xe9'; touch $'d\\xe9/.wh.caf\\xe9'; ln -s $'\\xfd' $'l\\xfe'; printf euro > $'\\xe2\\x82\\xac'`,
    `touch $'.wh.h\\x80'; mkdir $'d\\xe9'; touch $'d\\xe9/.wh..wh..opq'; printf new > $'d\\xe9/\\xed\\xa0\\x80'; touch $'.wh.\\xe2\\x82'`,
  ],
};
