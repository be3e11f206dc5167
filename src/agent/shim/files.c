/* Looking at files of a root that somebody hostile may be changing: no name is followed at its end, nothing is waited for. */
#include "shim.h"

#include <linux/openat2.h>

enum { HERE = AT_FDCWD, SEEK_DATA = 3, SEEK_HOLE = 4 };

static int listing = -1, source = -1;

/* Where an answer goes; 0: it could not be sent. */
static u8 *room(u32 wanted) {
  return trace_room(wanted) < wanted ? 0 : trace->data + trace->size + sizeof(struct result);
}

static long answered(long size) {
  if (size < 0) return size;
  read_size = (u32)size;
  return 0;
}

/* RESOLVE_NO_MAGICLINKS: in /proc of another process lie ways into other roots. */
static long open_plainly(const char *path, u32 flags) {
  struct open_how how = {.flags = flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS};
  long fd = sys(openat2, HERE, path, &how, sizeof how);
  return fd == -ENOSYS ? sys(openat, HERE, path, how.flags, 0) : fd; /* before 5.6 */
}

static long answer_with(const void *data, u32 size) {
  u8 *to = room(size);
  if (!to) return -ENOBUFS;
  memcpy(to, data, size);
  return answered(size);
}

long file_status(const char *path) {
  struct statx is;
  long result = sys(statx, HERE, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &is);
  return result < 0 ? result : answer_with(&is, sizeof is);
}

enum { IDENTITY = 5 };

static void identity_of(const char *path, u64 to[IDENTITY]) {
  struct statx is;
  memset(&is, 0, sizeof is);
  long result = sys(statx, HERE, path, AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &is);
  memset(to, 0, IDENTITY * sizeof *to);
  if (result < 0) return;
  to[0] = (u64)is.stx_dev_major << 32 | is.stx_dev_minor;
  to[1] = is.stx_ino;
  to[2] = is.stx_size;
  to[3] = (u64)is.stx_mtime.tv_sec * 1000000000u + is.stx_mtime.tv_nsec;
  to[4] = (u64)is.stx_ctime.tv_sec * 1000000000u + is.stx_ctime.tv_nsec;
}

long identify(const char *path) {
  u64 is[IDENTITY];
  identity_of(path, is);
  return answer_with(is, sizeof is);
}

long unchanged(struct op_unchanged op) {
  u64 is[IDENTITY], was[IDENTITY];
  if (op.identity.size != sizeof was) return -EINVAL;
  memcpy(was, op.identity.data, sizeof was);
  identity_of(op.path, is);
  for (u32 i = 0; i < IDENTITY; i++)
    if (is[i] != was[i]) return -ESTALE;
  return 0;
}

long link_target(struct op_readlink op) {
  u8 *to = room(op.limit);
  return to ? answered(sys(readlinkat, HERE, op.path, to, op.limit)) : -ENOBUFS;
}

long attribute_names(struct op_listxattr op) {
  u8 *to = room(op.limit);
  return to ? answered(sys(llistxattr, op.path, to, op.limit)) : -ENOBUFS;
}

long directory_entries(struct op_readdir op) {
  u8 *to = room(op.limit);
  if (!to) return -ENOBUFS;
  if (*op.path) {
    if (listing >= 0) sys(close, listing);
    listing = (int)open_plainly(op.path, O_RDONLY | O_DIRECTORY);
    if (listing < 0) return listing;
  }
  if (listing < 0) return -EBADF;
  long got = sys(getdents64, listing, to, op.limit);
  if (got <= 0) sys(close, listing), listing = -1;
  return answered(got);
}

long open_source(const char *path) {
  struct statx is;
  if (source >= 0) sys(close, source);
  source = (int)open_plainly(path, O_RDONLY);
  if (source < 0) return source;
  long result = sys(statx, source, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &is);
  if (result == 0 && (is.stx_mode & S_IFMT) != S_IFREG) result = -EOPNOTSUPP;
  if (result == 0) return answer_with(&is, sizeof is);
  sys(close, source);
  source = -1;
  return result;
}

long hold_directory(const char *path) {
  if (file >= 0) sys(close, file);
  file = (int)open_plainly(path, O_RDONLY | O_DIRECTORY);
  return file < 0 ? file : 0;
}

long read_source(struct op_readAt op) {
  u8 *to = room(op.limit);
  if (!to) return -ENOBUFS;
  return source < 0 ? -EBADF : answered(sys(pread64, source, to, op.limit, op.offset));
}

long source_range(u64 offset) {
  if (source < 0) return -EBADF;
  long start = sys(lseek, source, offset, SEEK_DATA), end = start < 0 ? start : sys(lseek, source, start, SEEK_HOLE);
  u64 range[2] = {(u64)start, (u64)end};
  return end < 0 ? end : answer_with(range, sizeof range);
}
