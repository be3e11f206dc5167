/* What only ioctl(2) tells of a namespace: who owns it and what it came from. See ioctl_ns(2). */
#include "shim.h"

enum { OWNING_USER = 0xb701, PARENT = 0xb702, OWNER_UID = 0xb704, NO_UID = -1 };

static u64 inode_of(long fd) {
  struct statx is;
  return fd >= 0 && sys(statx, fd, "", AT_EMPTY_PATH, STATX_INO, &is) == 0 ? is.stx_ino : 0;
}

/* { u64 inode, u64 owning user namespace, u64 parent, u32 uid of the owner }; 0 and NO_UID for what is out of sight. */
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
