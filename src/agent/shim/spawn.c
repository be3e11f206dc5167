/* From a list of operations to a running program: stdio, clone, the wait for execve, and what `exec` and `terminal` do. */
#include "shim.h"

#include <asm-generic/ioctls.h>
#include <linux/mount.h>
#include <linux/sched.h>

enum { VECTOR_LIMIT = 1 << 17, NO_TERMINAL_YET = O_RDWR | O_NOCTTY | O_CLOEXEC };

struct process process = {.sync = -1, .input = -1, .output = {-1, -1}, .listener = -1, .log = -1, .record = -1,
                          .socket_directory = -1, .memory = -1};
static char *vectors[VECTOR_LIMIT]; /* argv and envp */
static u8 after[65536];             /* survives the plan, whose memory is given back */

struct control {
  usize size;
  int level, type, fd, padding;
};

static void send_fd(int socket, int fd) {
  struct control control = {sizeof control - sizeof(int), 1, 1, fd, 0};
  struct span byte = {"", 1};
  struct message message = {.spans = &byte, .span_count = 1, .control = &control, .control_size = sizeof control};
  sys(sendmsg, socket, &message, NO_SIGNAL);
}

/* Waits until execve or death closes the child's end; a terminal's master arrives on the way. */
static void wait_for_exec(int socket) {
  for (;;) {
    struct control control = {0, 0, 0, -1, 0};
    u8 buffer[8];
    struct span byte = {buffer, sizeof buffer};
    struct message message = {.spans = &byte, .span_count = 1, .control = &control, .control_size = sizeof control};
    long got = sys(recvmsg, socket, &message, 0x40000000 /* MSG_CMSG_CLOEXEC */);
    if (got == -EINTR) continue;
    if (got <= 0) return;
    if (message.control_size >= sizeof control - sizeof(int) && control.fd >= 0) process.output[0] = control.fd;
  }
}

static _Noreturn void be_child(struct bytes list, int sync, const int stdio[3]) {
  static const u64 no_signals = 0;
  process.sync = sync;
  sys(rt_sigprocmask, 2, &no_signals, 0, 8);
  for (int fd = 0; fd < 3; fd++) sys(dup3, stdio[fd], fd, 0);
  /* CVE-2024-21626: until execve closes them, /proc/self/fd/N is a way to the host for a working directory of that name. */
  for (int fd = 3; fd < 256; fd++)
    if (fd != sync && !holds_tree(fd)) sys(close, fd);
  /* CVE-2024-21626: a working directory or program below /proc/self/fd must not lead into a directory of the host. */
  if (process.socket_directory >= 0) sys(close, process.socket_directory);
  if (process.record >= 0) sys(close, process.record);
  if (run(list, 0) == 0) { /* a list that does not end in exec */
    trace->failed_id = trace->current;
    trace->failed_errno = ENOEXEC;
  }
  leave(127);
}

static long clone(u64 flags) {
  struct clone_args arguments;
  memset(&arguments, 0, sizeof arguments);
  arguments.flags = flags;
  arguments.exit_signal = SIGNAL_CHILD;
  long pid = sys(clone3, &arguments, sizeof arguments);
  /* Before 5.3, and under filters that answer clone3 with ENOSYS. */
  return pid == -ENOSYS ? sys(clone, flags | SIGNAL_CHILD, 0, 0, 0, 0) : pid;
}

long spawn(struct op_spawn op) {
  int sync[2], input[2], output[2][2], null = -1;
  if (process.pid) return -EALREADY;
  if (op.after.size > sizeof after) return -E2BIG;
  memcpy(after, op.after.data, op.after.size);
  process.after = (struct bytes){after, op.after.size};
  process.terminal = op.terminal;
  long result = sys(socketpair, UNIX_FAMILY, SEQPACKET | O_CLOEXEC, 0, sync);
  if (result < 0) return result;
  if (result == 0) result = null = (int)sys(openat, AT_FDCWD, "/dev/null", (op.terminal ? O_RDWR : O_RDONLY) | O_CLOEXEC, 0);
  if (result < 0) return result;
  input[0] = output[0][1] = output[1][1] = null;
  if (!op.terminal) {
    if (op.stdin) result = sys(pipe2, input, O_CLOEXEC);
    for (int i = 0; i < 2 && result >= 0; i++) result = sys(pipe2, output[i], O_CLOEXEC);
    if (result < 0) return result;
  }
  const int stdio[3] = {input[0], output[0][1], output[1][1]};
  long pid = clone(op.flags);
  if (pid == 0) be_child(op.child, sync[1], stdio);
  sys(close, sync[1]);
  sys(close, null);
  if (!op.terminal) {
    if (op.stdin) sys(close, input[0]), process.input = input[1];
    for (int i = 0; i < 2; i++) sys(close, output[i][1]), process.output[i] = output[i][0];
  }
  if (pid < 0) return pid;
  wait_for_exec(sync[0]);
  sys(close, sync[0]);
  if (trace->successor) {
    sys(wait4, pid, 0, 0, 0);
    pid = (long)trace->successor;
  }
  process.started = now(REALTIME);
  if (trace->exec_tried && !trace->failed_errno) {
    u64 ended = now(MONOTONIC);
    report(trace->exec_id, 0, ended > trace->exec_started ? ended - trace->exec_started : 0, 0);
    process.pid = (int)pid;
    int flags = O_RDWR | O_NONBLOCK;
    if (op.terminal) process.input = process.output[0];
    if (process.input >= 0) sys(fcntl, process.input, F_SETFL, flags);
    for (int i = 0; i < 2; i++)
      if (process.output[i] >= 0) sys(fcntl, process.output[i], F_SETFL, flags);
    return 0;
  }
  sys(wait4, pid, &process.status, 0, 0);
  if (!trace->failed_errno) { /* it died on the way: of a signal, for example from the OOM killer */
    trace->failed_id = trace->current;
    trace->failed_errno = ECHILD;
  }
  return -(long)trace->failed_errno;
}

static char **take_vector(struct texts texts, u32 *used) {
  struct cursor in = {texts.rest.data, texts.rest.data + texts.rest.size};
  char **start = vectors + *used;
  if (texts.count >= VECTOR_LIMIT - *used) return 0;
  for (u32 i = 0; i < texts.count; i++) vectors[(*used)++] = (char *)take_text(&in);
  vectors[(*used)++] = 0;
  return start;
}

/* execve(2), with the lookup of execvp(3): the first directory that has it; EACCES is remembered, as of a directory. */
long execute_file(const char *file, const char *search, char **argv, char **env) {
  char path[4096];
  usize name = strlen(file), at = 0;
  if (name == 0) return -ENOENT;
  for (usize i = 0; i < name; i++)
    if (file[i] == '/') return sys(execve, file, argv, env);
  long failure = -ENOENT;
  for (; search[at]; at += search[at] == ':') {
    usize start = at;
    while (search[at] && search[at] != ':') at++;
    usize size = at - start;
    if (size + name + 2 > sizeof path) continue;
    memcpy(path, size ? search + start : ".", size ? size : 1);
    size += size == 0;
    path[size] = '/';
    memcpy(path + size + 1, file, name + 1);
    long result = sys(execve, path, argv, env);
    if (result == -EACCES) failure = result;
    else if (result != -ENOENT && result != -ENOTDIR) return result;
  }
  return failure;
}

long execute(u32 id, struct op_exec op) {
  static const u64 no_signals = 0; /* a shim that becomes the program itself has blocked them all */
  u32 used = 0;
  char **argv = take_vector(op.argv, &used), **env = take_vector(op.env, &used);
  if (!argv || !env) return -E2BIG;
  if (!*op.file) return -ENOENT;
  sys(rt_sigprocmask, 2, &no_signals, 0, 8);
  trace->exec_id = id;
  trace->exec_tried = 1;
  trace->exec_started = clock_now();
  return execute_file(op.file, op.search, argv, env);
}

/* CVE-2025-52565: by its descriptor, and not through a link: whoever shares our /dev may have put others in both places. */
static long bind_terminal(int slave, const char *console) {
  long result = sys(mknodat, AT_FDCWD, console, S_IFREG | 0600, 0);
  if (result < 0 && result != -EEXIST) return result;
  long tree = sys(open_tree, slave, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
  if (tree < 0) return tree;
  result = sys(move_mount, tree, "", AT_FDCWD, console, MOVE_MOUNT_F_EMPTY_PATH);
  sys(close, tree);
  return result;
}

long make_terminal(struct op_terminal op) {
  static const int unlocked = 0;
  u16 window[4] = {(u16)op.rows, (u16)op.columns, 0, 0};
  /* O_NONBLOCK is for the supervisor, and keeps a FIFO that a container put there from holding us. */
  long master = sys(openat, AT_FDCWD, "/dev/pts/ptmx", NO_TERMINAL_YET | O_NONBLOCK, 0);
  if (master < 0) return master;
  long result = sys(ioctl, master, TIOCSPTLCK, &unlocked);
  /* The peer of this very master, by no name: a path in /dev/pts could have been replaced. */
  long slave = result < 0 ? result : sys(ioctl, master, TIOCGPTPEER, NO_TERMINAL_YET);
  if (slave >= 0) {
    sys(setsid); /* EPERM: the plan did it before */
    result = sys(ioctl, slave, TIOCSCTTY, 0);
    for (int fd = 0; fd < 3; fd++) sys(dup3, slave, fd, 0);
    if (result == 0) result = sys(ioctl, slave, TIOCSWINSZ, window);
    if (result == 0 && *op.console) result = bind_terminal((int)slave, op.console);
    if (result == 0) send_fd(process.sync, (int)master);
    sys(close, slave);
  } else result = slave;
  sys(close, master);
  return result;
}

/* Splits a path, opens its directory and keeps the last part. sockaddr_un holds 107 bytes; a directory's descriptor holds any. */
long keep_directory(const char *path, char name[100], int *directory) {
  char parent[4096];
  usize size = strlen(path), slash = size;
  while (slash > 0 && path[slash - 1] != '/') slash--;
  if (size - slash >= 100 || slash >= sizeof parent) return -ENAMETOOLONG;
  memcpy(parent, slash ? path : ".", slash ? slash : 1);
  parent[slash ? slash : 1] = 0;
  memcpy(name, path + slash, size - slash + 1);
  *directory = (int)sys(openat, AT_FDCWD, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  return *directory < 0 ? *directory : 0;
}

long listen_at(const char *path) {
  struct address address = {UNIX_FAMILY, {0}};
  long result = keep_directory(path, process.socket_name, &process.socket_directory);
  if (result < 0) return result;
  proc_path(address.path, "/proc/self/fd/", (u64)process.socket_directory, "/");
  usize used = strlen(address.path), name = strlen(process.socket_name);
  if (used + name >= sizeof address.path) return -ENAMETOOLONG;
  memcpy(address.path + used, process.socket_name, name + 1);
  process.listener = (int)sys(socket, UNIX_FAMILY, STREAM | O_CLOEXEC | O_NONBLOCK, 0);
  if (process.listener < 0) return process.listener;
  sys(unlinkat, process.socket_directory, process.socket_name, 0);
  long mask = sys(umask, 0177); /* the mode of a socket is that of its birth: 0600 at no time more */
  result = sys(bind, process.listener, &address, 2 + used + name + 1);
  sys(umask, mask);
  return result < 0 ? result : sys(listen, process.listener, 16);
}

long record_at(const char *path, u32 synced) {
  process.synced = synced;
  return keep_directory(path, process.record_name, &process.record);
}
