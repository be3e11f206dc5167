/* The executor: one case per operation of the table. It decides nothing: paths, order and numbers come from the plan. */
#include "shim.h"

#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/keyctl.h>
#include <linux/mount.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>

enum { HERE = AT_FDCWD, DETACH = 2, UP = 1, GET_FLAGS = 0x8913, SET_FLAGS = 0x8914 };

int file = -1;                /* the file that `append` appends to */
static u64 last_clock;
static u32 filtered;          /* a filter of system calls is in force: it may kill whoever asks for the time */
u32 read_size;                /* what the operation put behind its result */

static long open_at(const char *path, int flags, u32 mode) {
  return sys(openat, HERE, path, flags | O_CLOEXEC, mode);
}

/* CVE-2019-19921: /proc must be a directory of the image, not a link to where somebody else can swap it. */
static long own_directory(struct op_directory op) {
  struct statx is;
  long result = sys(mkdirat, HERE, op.path, op.mode);
  if (result != -EEXIST) return result;
  result = sys(statx, HERE, op.path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &is);
  return result < 0 ? result : (is.stx_mode & S_IFMT) == S_IFDIR ? 0 : -ENOTDIR;
}

static long write_file(struct op_write op) {
  long fd = open_at(op.path, O_WRONLY, 0);
  if (fd < 0) return fd;
  long wrote = sys(write, fd, op.data.data, op.data.size); /* once: a cgroup file takes each write as a whole value */
  sys(close, fd);
  return wrote < 0 ? wrote : (u32)wrote == op.data.size ? 0 : -EIO;
}

static long read_file(struct op_read op) {
  if (trace_room(op.limit) < op.limit) return -ENOBUFS;
  /* A container may have put a FIFO or a terminal there: neither may hold us. */
  long fd = open_at(op.path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0), got = fd;
  if (fd < 0) return fd;
  u8 *to = trace->data + trace->size + sizeof(struct result);
  while (read_size < op.limit && (got = sys(read, fd, to + read_size, op.limit - read_size)) > 0) read_size += (u32)got;
  sys(close, fd);
  return got < 0 ? got : 0;
}

static long get_attribute(struct op_getxattr op) {
  if (trace_room(op.limit) < op.limit) return -ENOBUFS;
  long size = sys(lgetxattr, op.path, op.name, trace->data + trace->size + sizeof(struct result), op.limit);
  if (size < 0) return size;
  read_size = (u32)size;
  return 0;
}

static long read_lineage(const char *path) {
  if (trace_room(LINEAGE) < LINEAGE) return -ENOBUFS;
  long fd = open_at(path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
  read_size = lineage_of(fd, trace->data + trace->size + sizeof(struct result));
  return fd < 0 ? 0 : sys(close, fd);
}

static long sync_whole(const char *path) {
  long fd = open_at(path, O_RDONLY, 0);
  if (fd < 0) return fd;
  long result = sys(syncfs, fd);
  sys(close, fd);
  return result;
}

static long set_times(struct op_utimens op) {
  struct timespec64 both[2];
  both[0].seconds = both[1].seconds = (long)op.seconds;
  both[0].nanoseconds = both[1].nanoseconds = op.nanoseconds;
  return *op.path ? sys(utimensat, HERE, op.path, both, AT_SYMLINK_NOFOLLOW) : sys(utimensat, file, 0, both, 0);
}

static long new_file(struct op_file op) {
  if (file >= 0) sys(close, file);
  file = (int)open_at(op.path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, op.mode);
  return file < 0 ? file : 0;
}

/* A directory that the root does not lead to is none of the plan's (CVE-2024-21626 again). */
static long change_directory(const char *path) {
  char where[4096];
  long result = sys(chdir, path);
  if (result < 0) return result;
  return sys(getcwd, where, sizeof where) > 0 && where[0] != '/' ? -EPERM : 0;
}

static long mount_at(struct op_mount op) {
  if (strlen(op.data) >= 4096) return -E2BIG; /* mount(2) would cut it at a page without a word */
  return sys(mount, op.source, op.target, *op.type ? op.type : 0, op.flags, *op.data ? op.data : 0);
}

static long set_mount(struct op_mountSetattr op) {
  struct mount_attr attributes = {.attr_set = op.set, .attr_clr = op.clear, .propagation = op.propagation};
  return sys(mount_setattr, HERE, op.target, op.recursive ? AT_RECURSIVE : 0, &attributes, sizeof attributes);
}

static long pivot(const char *root) {
  long result = sys(chdir, root);
  return result < 0 ? result : sys(pivot_root, ".", ".");
}

static long mask(const char *path) {
  struct statx is;
  long result = sys(statx, HERE, path, 0, STATX_TYPE, &is);
  if (result < 0) return result;
  if ((is.stx_mode & S_IFMT) == S_IFDIR)
    return sys(mount, "tmpfs", path, "tmpfs", MS_RDONLY, "nr_blocks=1,nr_inodes=1,mode=755");
  result = sys(mount, "/dev/null", path, 0, MS_BIND, 0);
  /* CVE-2025-31133: /dev/null may have been removed, which does not mean that there is nothing to mask; */
  if (result < 0) return result == -ENOENT || result == -ENOTDIR ? -ENODEV : result;
  /* or replaced by a link: what matters is what lies there now. */
  result = sys(statx, HERE, path, 0, STATX_TYPE, &is);
  if (result == 0 && (is.stx_mode & S_IFMT) == S_IFCHR && is.stx_rdev_major == 1 && is.stx_rdev_minor == 3) return 0;
  sys(umount2, path, DETACH);
  return result < 0 ? result : -ENODEV;
}

static long join(const char *path, u64 flags) {
  long fd = open_at(path, O_RDONLY, 0);
  if (fd < 0) return fd;
  long result = sys(setns, fd, flags);
  sys(close, fd);
  return result;
}

/* Field 22 of /proc/PID/stat; the name in field 2 may hold anything, so counting starts at its last parenthesis. */
static u64 start_ticks(u32 pid) {
  char path[32], text[1024];
  proc_path(path, "/proc/", pid, "/stat");
  long fd = open_at(path, O_RDONLY, 0);
  if (fd < 0) return 0;
  long size = sys(read, fd, text, sizeof text), at = size - 1;
  sys(close, fd);
  while (at > 0 && text[at] != ')') at--;
  for (int field = 2; at < size && field < 22; at++) field += text[at] == ' ';
  u64 ticks = 0;
  for (; at > 0 && at < size && text[at] >= '0' && text[at] <= '9'; at++) ticks = ticks * 10 + (u64)(text[at] - '0');
  return ticks;
}

static long join_process(struct op_joinProcess op) {
  static const struct {
    u32 flag;
    const char *file;
  } kinds[] = {{CLONE_NEWUSER, "/ns/user"}, {CLONE_NEWCGROUP, "/ns/cgroup"}, {CLONE_NEWIPC, "/ns/ipc"},
               {CLONE_NEWUTS, "/ns/uts"},   {CLONE_NEWNET, "/ns/net"},       {CLONE_NEWPID, "/ns/pid"},
               {CLONE_NEWNS, "/ns/mnt"}};
  enum { KINDS = sizeof kinds / sizeof *kinds };
  int files[KINDS];
  long result = 0, fd = sys(pidfd_open, op.pid, 0);
  /* The pidfd is taken first: a number that is reused after this check cannot change whom it means. */
  if (op.startTicks && start_ticks(op.pid) != op.startTicks) result = -ESRCH;
  if (fd >= 0) {
    if (result == 0) result = sys(setns, fd, op.flags);
    sys(close, fd);
    if (result != -EINVAL) return result;
  } else if (fd != -ENOSYS) return fd;
  if (result == -ESRCH) return result;
  /* setns(2) takes a pidfd since 5.8. Before: the files, all opened while /proc is still the old one. */
  result = 0;
  for (u32 i = 0; i < KINDS; i++) {
    char path[32];
    proc_path(path, "/proc/", op.pid, kinds[i].file);
    files[i] = (op.flags & kinds[i].flag) ? (int)open_at(path, O_RDONLY, 0) : -1;
    if ((op.flags & kinds[i].flag) && files[i] < 0 && result == 0) result = files[i];
  }
  for (u32 i = 0; i < KINDS; i++) {
    if (files[i] < 0) continue;
    if (result == 0) result = sys(setns, files[i], kinds[i].flag);
    sys(close, files[i]);
  }
  return result;
}

static long link_up(const char *name) {
  struct {
    char name[16];
    short flags;
    char rest[22];
  } request = {{0}, 0, {0}};
  usize size = strlen(name);
  if (size >= sizeof request.name) return -ENODEV;
  memcpy(request.name, name, size);
  long fd = sys(socket, 2, 2 | O_CLOEXEC, 0);
  if (fd < 0) return fd;
  long result = sys(ioctl, fd, GET_FLAGS, &request);
  request.flags |= UP;
  if (result == 0) result = sys(ioctl, fd, SET_FLAGS, &request);
  sys(close, fd);
  return result;
}

static long device_filter(struct op_deviceFilter op) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insn_cnt = op.program.size / sizeof(struct bpf_insn);
  attributes.insns = (u64)op.program.data;
  attributes.license = (u64) "Apache-2.0";
  long program = sys(bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
  if (program < 0) return program;
  long cgroup = open_at(op.cgroup, O_RDONLY | O_DIRECTORY, 0), result = cgroup;
  if (cgroup >= 0) {
    memset(&attributes, 0, sizeof attributes);
    attributes.target_fd = (u32)cgroup;
    attributes.attach_bpf_fd = (u32)program;
    attributes.attach_type = BPF_CGROUP_DEVICE;
    attributes.attach_flags = BPF_F_ALLOW_MULTI;
    result = sys(bpf, BPF_PROG_ATTACH, &attributes, sizeof attributes);
    sys(close, cgroup);
  }
  sys(close, program);
  return result;
}

static long bound_capabilities(u64 keep) {
  for (u32 i = 0; i < 64; i++) {
    long has = sys(prctl, PR_CAPBSET_READ, i, 0, 0, 0);
    if (has < 0) break; /* past the last one that this kernel knows */
    long result = has && !(keep >> i & 1) ? sys(prctl, PR_CAPBSET_DROP, i, 0, 0, 0) : 0;
    if (result < 0) return result;
  }
  return 0;
}

static long set_capabilities(struct op_capset op) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{(u32)op.effective, (u32)op.permitted, (u32)op.inheritable},
                                           {(u32)(op.effective >> 32), (u32)(op.permitted >> 32), (u32)(op.inheritable >> 32)}};
  return sys(capset, &header, data);
}

static long raise_ambient(u64 set) {
  long result = sys(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (u32 i = 0; i < 64 && result == 0; i++)
    if (set >> i & 1) result = sys(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0);
  return result;
}

static long limit(struct op_setrlimit op) {
  u64 limits[2] = {op.soft, op.hard};
  return sys(prlimit64, 0, op.resource, limits, 0);
}

static long filter_calls(struct op_seccomp op) {
  struct sock_fprog program = {(u16)(op.filter.size / sizeof(struct sock_filter)), (struct sock_filter *)op.filter.data};
  long result = sys(seccomp, SECCOMP_SET_MODE_FILTER, op.flags, &program);
  filtered |= result == 0;
  return result;
}

/* As runc does it: whoever of the same user holds it may search it, or a program that changes its user loses its keys. */
static long join_keyring(const char *name) {
  enum { SEARCHED_BY_USER = 0x3f1b0000 };
  long ring = sys(keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);
  return ring < 0 ? ring : sys(keyctl, KEYCTL_SETPERM, ring, SEARCHED_BY_USER);
}

static long open_log(const char *path) {
  process.log = (int)open_at(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0640);
  return process.log < 0 ? process.log : 0;
}

#define DO(name, ...)                            \
  case OP_##name: {                              \
    struct op_##name op = decode_##name(in);     \
    return __VA_ARGS__;                          \
  }

static long perform(u32 id, u16 code, struct cursor *in) {
  switch (code) {
    DO(mkdir, sys(mkdirat, HERE, op.path, op.mode))
    DO(mkdirs, make_directories(op.path, op.mode))
    DO(touch, make_file(op.path, op.mode))
    DO(write, write_file(op))
    DO(sysctl, write_sysctl(op))
    DO(read, read_file(op))
    DO(symlink, sys(symlinkat, op.target, HERE, op.path))
    DO(link, sys(linkat, HERE, op.target, HERE, op.path, 0))
    DO(mknod, sys(mknodat, HERE, op.path, op.mode,
                  (op.minor & 0xff) | (op.major & 0xfff) << 8 | (u64)(op.minor & ~0xffu) << 12))
    DO(chown, *op.path ? sys(fchownat, HERE, op.path, op.uid, op.gid, AT_SYMLINK_NOFOLLOW) : sys(fchown, file, op.uid, op.gid))
    DO(chmod, *op.path ? sys(fchmodat, HERE, op.path, op.mode) : sys(fchmod, file, op.mode))
    DO(utimens, set_times(op))
    DO(setxattr, *op.path ? sys(lsetxattr, op.path, op.name, op.value.data, op.value.size, 0)
                          : sys(fsetxattr, file, op.name, op.value.data, op.value.size, 0))
    DO(getxattr, get_attribute(op))
    DO(lineage, read_lineage(op.path))
    DO(unlink, sys(unlinkat, HERE, op.path, 0))
    DO(rmdir, sys(unlinkat, HERE, op.path, AT_REMOVEDIR))
    DO(file, new_file(op))
    DO(append, file < 0 ? -EBADF : write_all(file, op.data.data, op.data.size))
    DO(extend, file < 0 ? -EBADF : sys(lseek, file, op.size, 0) < 0 ? -EFBIG : sys(ftruncate, file, op.size))
    DO(rmtree, remove_tree(op.path))
    DO(stat, file_status(op.path))
    DO(identify, identify(op.path))
    DO(unchanged, unchanged(op))
    DO(readlink, link_target(op))
    DO(listxattr, attribute_names(op))
    DO(readdir, directory_entries(op))
    DO(openFile, open_source(op.path))
    DO(readAt, read_source(op))
    DO(dataRange, source_range(op.offset))
    DO(rename, sys(renameat2, HERE, op.from, HERE, op.to, 0))
    DO(openDirectory, hold_directory(op.path))
    case OP_syncFile: return file < 0 ? -EBADF : sys(fsync, file);
    DO(syncfs, sync_whole(op.path))
    DO(mount, mount_at(op))
    DO(umount, sys(umount2, op.target, op.flags))
    DO(openTree, open_tree_at(op))
    DO(openTreeInside, open_tree_inside(op))
    DO(openTreeBelow, open_tree_below(op))
    DO(moveMount, move_tree(op))
    DO(mountSetattr, set_mount(op))
    DO(pivotRoot, pivot(op.root))
    DO(chdir, change_directory(op.path))
    DO(chroot, sys(chroot, op.path))
    DO(mask, mask(op.path))
    DO(unshare, sys(unshare, op.flags))
    DO(setns, join(op.path, op.flags))
    DO(joinProcess, join_process(op))
    DO(sethostname, sys(sethostname, op.name, strlen(op.name)))
    DO(setdomainname, sys(setdomainname, op.name, strlen(op.name)))
    DO(linkUp, link_up(op.name))
    DO(deviceFilter, device_filter(op))
    DO(prctl, sys(prctl, op.option, op.value, 0, 0, 0))
    DO(capBounding, bound_capabilities(op.keep))
    DO(capset, set_capabilities(op))
    DO(capAmbient, raise_ambient(op.set))
    DO(setgroups, sys(setgroups, op.groups.size / 4, op.groups.data))
    DO(setgid, sys(setresgid, op.gid, op.gid, op.gid))
    DO(setuid, sys(setresuid, op.uid, op.uid, op.uid))
    DO(setrlimit, limit(op))
    DO(umask, (sys(umask, op.mask), 0))
    DO(directory, own_directory(op))
    DO(fchown, sys(fchown, op.fd, op.uid, op.gid))
    DO(seccomp, filter_calls(op))
    case OP_setsid: return sys(setsid);
    DO(keyring, join_keyring(op.name))
    DO(spawn, spawn(op))
    DO(terminal, make_terminal(op))
    DO(exec, execute(id, op))
    DO(listen, listen_at(op.path))
    DO(log, open_log(op.path))
    DO(rotate, rotate_log(op))
    DO(record, record_at(op.path, 1))
    DO(note, record_at(op.path, 0))
    DO(inherit, inherit_text(op))
    DO(watchMemory, watch_memory(op))
    DO(userns, make_userns(op))
    DO(usernsOf, open_userns(op.path))
    DO(idmap, map_slot(op))
    DO(fsid, set_fsid(op))
    case OP_enterUserns: return enter_userns();
    case OP_handOver: return hand_over();
  }
  return -EOPNOTSUPP; /* of a newer table */
}

void report(u32 id, u32 errno, u64 nanoseconds, u32 size) {
  struct result result = {id, errno, nanoseconds, size};
  if (size == 0 && trace_room(0) == 0) return;
  memcpy(trace->data + trace->size, &result, sizeof result);
  trace->size += (u32)sizeof result + size;
}

u32 trace_room(u32 wanted) {
  if (trace->streams && TRACE_LIMIT - trace->size < wanted + 64) send_results();
  u32 left = TRACE_LIMIT - trace->size;
  return left < sizeof(struct result) ? 0 : left - (u32)sizeof(struct result);
}

u64 clock_now(void) {
  if (!filtered) last_clock = now(MONOTONIC);
  return last_clock;
}

u32 run(struct bytes list, u32 mode) {
  struct cursor all = {list.data, list.data + list.size};
  u64 began = mode & QUIET ? 0 : clock_now();
  while ((usize)(all.end - all.at) >= sizeof(struct operation)) {
    struct operation head;
    take(&all, &head, sizeof head);
    u32 errno = EBADMSG;
    trace->current = head.id;
    read_size = 0;
    if (head.size <= (usize)(all.end - all.at)) {
      struct cursor in = {all.at, all.at + head.size};
      long result = perform(head.id, head.code, &in);
      all.at = in.end = all.at + head.size;
      errno = result < 0 ? (u32)-result : 0;
    } else all.at = all.end;
    if (!(mode & QUIET)) {
      u64 ended = clock_now();
      report(head.id, errno, ended - began, read_size);
      began = ended;
    }
    if (errno == 0 || (mode & GO_ON) || errno == head.tolerate[0] || errno == head.tolerate[1]) continue;
    if (!trace->failed_errno) { /* else a spawn failed because of its child, which said more */
      trace->failed_id = head.id;
      trace->failed_errno = errno;
    }
    return errno;
  }
  return 0;
}

u32 find_spawn(struct bytes list, struct op_spawn *found) {
  struct cursor all = {list.data, list.data + list.size};
  struct operation head;
  for (; (usize)(all.end - all.at) >= sizeof head; all.at += head.size) {
    take(&all, &head, sizeof head);
    if (head.size > (usize)(all.end - all.at)) return 0;
    struct cursor in = {all.at, all.at + head.size};
    if (head.code != OP_spawn) continue;
    *found = decode_spawn(&in);
    return 1;
  }
  return 0;
}
