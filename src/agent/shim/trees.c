/* Detached copies of mounts in numbered slots: opened where a path still means something, attached where it has to. */
#include "shim.h"

#include <linux/mount.h>
#include <linux/openat2.h>

enum { HERE = AT_FDCWD, TREES = 64, CLONE = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC };

static int trees[TREES]; /* as descriptor + 1 */

static u32 is_free(u32 slot) {
  return slot < TREES && !trees[slot];
}

static u32 with(u32 recursive) {
  return CLONE | (recursive ? AT_RECURSIVE : 0);
}

static long keep(u32 slot, long fd) {
  if (fd < 0) return fd;
  trees[slot] = (int)fd + 1;
  return 0;
}

long open_tree_at(struct op_openTree op) {
  return is_free(op.slot) ? keep(op.slot, sys(open_tree, HERE, op.path, with(op.recursive))) : -EBADSLT;
}

long open_tree_inside(struct op_openTreeInside op) {
  if (!op.pid) return -ESRCH;
  return is_free(op.slot) ? keep(op.slot, tree_inside(op.pid, op.path, with(op.recursive))) : -EBADSLT;
}

long open_tree_below(struct op_openTreeBelow op) {
  struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
  if (!is_free(op.slot)) return -EBADSLT;
  long root = sys(openat, HERE, op.root, O_PATH | O_DIRECTORY | O_CLOEXEC, 0), found = root;
  if (root < 0) return root;
  /* EAGAIN: something was renamed on the way. Whoever goes on with that does not get in, nor hold us for ever. */
  for (u32 tries = 0; tries < 1000; tries++)
    if ((found = sys(openat2, root, op.path, &how, sizeof how)) != -EAGAIN) break;
  sys(close, root);
  if (found < 0) return found;
  long result = keep(op.slot, sys(open_tree, found, "", with(op.recursive) | AT_EMPTY_PATH));
  sys(close, found);
  return result;
}

long map_slot(struct op_idmap op) {
  return op.slot < TREES && trees[op.slot] ? map_tree(trees[op.slot] - 1, op.recursive) : -EBADSLT;
}

long move_tree(struct op_moveMount op) {
  if (op.slot >= TREES || !trees[op.slot]) return -EBADSLT;
  int fd = trees[op.slot] - 1;
  /* A link at the target is followed, as mount(2) does. */
  long result = sys(move_mount, fd, "", HERE, op.target, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS);
  if (result < 0) return result;
  trees[op.slot] = 0;
  return sys(close, fd);
}

u32 holds_tree(int fd) {
  for (u32 i = 0; i < TREES; i++)
    if (trees[i] == fd + 1) return 1;
  return 0;
}
