/* What takes a look into another namespace: its lineage, and a copy of one of its mounts. */
#include "shim.h"

#include <linux/mount.h>
#include <linux/sched.h>

enum { OWNING_USER = 0xb701, PARENT = 0xb702, OWNER_UID = 0xb704, NO_UID = -1 };

static u64 inode_of(long fd) {
  struct statx is;
  return fd >= 0 && sys(statx, fd, "", AT_EMPTY_PATH, STATX_INO, &is) == 0 ? is.stx_ino : 0;
}

/*
 * What only ioctl(2) tells, see ioctl_ns(2): { u64 inode, u64 owning user namespace, u64 parent, u32 uid of the owner };
 * 0 and NO_UID for what is out of sight.
 */
u32 lineage_of(long fd, u8 *to) {
  u32 uid = (u32)NO_UID;
  long owner = sys(ioctl, fd, OWNING_USER), parent = sys(ioctl, fd, PARENT);
  u64 found[3] = {inode_of(fd), inode_of(owner), inode_of(parent)};
  /* Of a user namespace the one who made it; of another one, the one who made its user namespace. */
  if (sys(ioctl, fd, OWNER_UID, &uid) < 0 && (owner < 0 || sys(ioctl, owner, OWNER_UID, &uid) < 0)) uid = (u32)NO_UID;
  if (owner >= 0) sys(close, owner);
  if (parent >= 0) sys(close, parent);
  memcpy(to, found, sizeof found);
  memcpy(to + sizeof found, &uid, sizeof uid);
  return sizeof found + sizeof uid;
}

/*
 * A mount can only be copied from inside its mount namespace. There the path starts at that namespace's root, so that its
 * links lead nowhere else. Coming back resets root and working directory: both are kept open.
 */
long tree_inside(u32 pid, const char *path, u32 flags) {
  char name[32];
  proc_path(name, "/proc/", pid, "/ns/mnt");
  long other = sys(openat, AT_FDCWD, name, O_RDONLY | O_CLOEXEC, 0);
  long own = sys(openat, AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC, 0);
  long root = sys(openat, AT_FDCWD, "/", O_PATH | O_CLOEXEC, 0);
  long here = sys(openat, AT_FDCWD, ".", O_PATH | O_CLOEXEC, 0);
  long tree = other < 0 ? other : own < 0 ? own : root < 0 ? root : here;
  if (tree >= 0) tree = sys(setns, other, CLONE_NEWNS);
  if (tree >= 0) {
    tree = sys(open_tree, AT_FDCWD, path, flags);
    long back = sys(setns, own, CLONE_NEWNS);
    if (back == 0) back = sys(fchdir, root);
    if (back == 0) back = sys(chroot, ".");
    if (back == 0) back = sys(fchdir, here);
    if (back < 0) tree = back;
  }
  long opened[] = {other, own, root, here};
  for (u32 i = 0; i < 4; i++)
    if (opened[i] >= 0) sys(close, opened[i]);
  return tree;
}
