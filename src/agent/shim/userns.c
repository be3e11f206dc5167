/* User namespaces: one is made or opened and kept, mounts are seen through its ids, and a process moves into it. */
#include "shim.h"

#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/sched.h>

enum { CHILD_SIGNAL = 17, CLONE_PARENT_TOO = 0x8000 };

static int kept = -1; /* the user namespace that later steps mean */

static long keep(const char *path) {
  long fd = sys(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return fd;
  if (kept >= 0) sys(close, kept);
  kept = (int)fd;
  return 0;
}

static long write_of(u64 pid, const char *file, const char *text) {
  char path[48];
  proc_path(path, "/proc/", pid, file);
  long fd = sys(openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
  if (fd < 0) return fd;
  long wrote = sys(write, fd, text, strlen(text)); /* once: a map is written whole or not at all */
  sys(close, fd);
  return wrote < 0 ? wrote : 0;
}

/* A namespace is made by a process that does nothing else: the maps of its own may only be written by somebody outside. */
long make_userns(struct op_userns op) {
  char path[48];
  int hold[2];
  long result = sys(pipe2, hold, O_CLOEXEC);
  if (result < 0) return result;
  long pid = sys(clone, CLONE_NEWUSER | CHILD_SIGNAL, 0, 0, 0, 0);
  if (pid == 0) {
    u8 nothing;
    sys(close, hold[1]);
    while (sys(read, hold[0], &nothing, 1) == -EINTR) continue;
    leave(0);
  }
  sys(close, hold[0]);
  if (pid > 0) {
    result = write_of((u64)pid, "/uid_map", op.uidMap);
    if (result == 0) result = write_of((u64)pid, "/gid_map", op.gidMap);
    proc_path(path, "/proc/", (u64)pid, "/ns/user");
    if (result == 0) result = keep(path);
  } else result = pid;
  sys(close, hold[1]);
  if (pid > 0) sys(wait4, pid, 0, 0, 0);
  return result;
}

long open_userns(const char *path) {
  return keep(path);
}

long enter_userns(void) {
  return kept < 0 ? -EBADF : sys(setns, kept, CLONE_NEWUSER);
}

/* A mount whose files are seen with the ids of the kept namespace: what is 0 on disk is its root, and the disk stays as it is. */
long map_tree(int tree, u32 recursive) {
  struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (u64)kept};
  if (kept < 0) return -EBADF;
  return sys(mount_setattr, tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes, sizeof attributes);
}

/* Makes files as somebody else. A change from 0 takes rights over files away, which are taken back. */
long set_fsid(struct op_fsid op) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  sys(setfsgid, op.gid);
  sys(setfsuid, op.uid);
  /* Neither says whether it did; asking for an impossible id tells which one is in force. */
  if (sys(setfsuid, -1) != (long)op.uid || sys(setfsgid, -1) != (long)op.gid) return -EPERM;
  long result = sys(capget, &header, data);
  if (result < 0) return result;
  for (u32 i = 0; i < 2; i++) data[i].effective = data[i].permitted;
  return sys(capset, &header, data);
}

/*
 * unshare(2) gives a new PID namespace to children only. A sibling takes over what is left of the list: a child of our
 * parent, so that the supervisor reaps it, while we end.
 */
long hand_over(void) {
  long pid = sys(clone, CLONE_PARENT_TOO | CHILD_SIGNAL, 0, 0, 0, 0);
  if (pid <= 0) return pid;
  trace->successor = (u32)pid;
  leave(0);
}
