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
