/* What a plan does with cgroup files beside reading and writing them. */
#include "shim.h"

enum { CLOSE_ON_EXEC = O_CLOEXEC, DO_NOT_WAIT = O_NONBLOCK, IN_CHANGED = 2 /* IN_MODIFY */ };

/* A text of a page at most, read at once: what kernfs gives. The size, or -errno. */
static long read_text(const char *path, char *to, usize size) {
  long fd = sys(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return fd;
  long got = sys(read, fd, to, size);
  sys(close, fd);
  return got;
}

long inherit_text(struct op_inherit op) {
  char text[4096];
  long size = read_text(op.to, text, sizeof text);
  if (size < 0 || (size > 0 && text[0] != '\n')) return size < 0 ? size : 0;
  size = read_text(op.from, text, sizeof text);
  if (size < 0) return size;
  long fd = sys(openat, AT_FDCWD, op.to, O_WRONLY | O_CLOEXEC, 0);
  if (fd < 0) return fd;
  long wrote = sys(write, fd, text, size);
  sys(close, fd);
  return wrote < 0 ? wrote : wrote == size ? 0 : -EIO;
}

/* v2: the file is "modified" whenever one of its counters moves. */
static long watch_file(const char *path) {
  long fd = sys(inotify_init1, CLOSE_ON_EXEC | DO_NOT_WAIT);
  if (fd < 0) return fd;
  long watch = sys(inotify_add_watch, fd, path, IN_CHANGED);
  if (watch < 0) sys(close, fd);
  return watch < 0 ? watch : fd;
}

/* v1: an eventfd that is tied to memory.oom_control; see "OOM Control" in the kernel's cgroup-v1 memory document. */
static long watch_control(struct op_watchMemory op) {
  char line[32];
  long file = sys(openat, AT_FDCWD, op.path, O_RDONLY | O_CLOEXEC, 0), event = file, wrote = file;
  if (file < 0) return file;
  event = sys(eventfd2, 0, CLOSE_ON_EXEC | DO_NOT_WAIT);
  if (event >= 0) {
    long control = wrote = sys(openat, AT_FDCWD, op.control, O_WRONLY | O_CLOEXEC, 0);
    if (control >= 0) {
      u32 size = format_number(line, (u64)event);
      line[size++] = ' ';
      size += format_number(line + size, (u64)file);
      wrote = sys(write, control, line, size);
      sys(close, control);
    }
    if (wrote < 0) sys(close, event), event = wrote;
  }
  sys(close, file);
  return event;
}

long watch_memory(struct op_watchMemory op) {
  long fd = *op.control ? watch_control(op) : watch_file(op.path);
  if (fd < 0) return fd;
  if (process.memory >= 0) sys(close, process.memory);
  process.memory = (int)fd;
  return 0;
}

/* Takes what has been told; 1 when it was anything. */
u32 memory_told(void) {
  u8 told[1024];
  u32 any = 0;
  while (sys(read, process.memory, told, sizeof told) > 0) any = 1;
  return any;
}
