/* The shim: reads operations on descriptor 3 and runs them; a spawn among them turns it into a supervisor. */
#include "shim.h"

#include <linux/memfd.h>
#include <linux/prctl.h>

enum { AGENT = 3, READ_SIZE = 256 << 10, SEALS = 1 | 2 | 4 | 8, ADD_SEALS = 1033, GET_SEALS = 1034 };

struct trace *trace;
static u8 buffer[PLAN_LIMIT] __attribute__((aligned(4096)));
static u32 subscribed, failed;

static long send_spans(int fd, struct span *spans, u32 count) {
  struct message message = {.spans = spans, .span_count = count};
  for (usize left = 1; left;) {
    long sent = sys(sendmsg, fd, &message, NO_SIGNAL);
    if (sent == -EINTR) continue;
    if (sent < 0) return sent;
    left = 0;
    for (u32 i = 0; i < count; i++) {
      usize part = (usize)sent < spans[i].size ? (usize)sent : spans[i].size;
      spans[i].data = (u8 *)spans[i].data + part;
      left += spans[i].size -= part;
      sent -= (long)part;
    }
  }
  return 0;
}

long send_frame(int fd, u32 type, const void *head, u32 head_size, const void *data, u32 size) {
  struct frame frame = {type, head_size + size};
  struct span spans[] = {{&frame, sizeof frame}, {(void *)head, head_size}, {(void *)data, size}};
  return send_spans(fd, spans, 3);
}

/* The results and the start in one message: the agent wakes up once, and has all of it. */
static void send_start(void) {
  struct frame results = {FRAME_RESULT, trace->size};
  u32 started[6] = {FRAME_STARTED, 16, (u32)process.pid, 0, (u32)process.started, (u32)(process.started >> 32)};
  struct span spans[] = {{&results, sizeof results}, {trace->data, trace->size}, {started, sizeof started}};
  send_spans(AGENT, spans, 3);
}

void send_results(void) {
  if (trace->size) send_frame(AGENT, FRAME_RESULT, 0, 0, trace->data, trace->size);
  if (trace->streams) trace->size = 0;
}

static void send_failure(void) {
  u32 failure[3] = {trace->failed_id, trace->failed_errno, (u32)process.status};
  send_frame(AGENT, FRAME_FAILED, failure, sizeof failure, 0, 0);
}

static void run_plan(struct bytes list, u32 left) {
  struct op_spawn found;
  u32 spawns = find_spawn(list, &found);
  trace->streams = !spawns;
  u32 stopped = run(list, 0);
  if (!spawns) {
    send_results();
    if (stopped) failed = 1, send_failure();
    else send_frame(AGENT, FRAME_DONE, 0, 0, 0, 0);
    return;
  }
  if (!stopped) {
    send_start();
    memmove(buffer, list.data + list.size, left);
    supervise(buffer, left, subscribed);
  }
  if (process.pid) {
    sys(kill, process.pid, SIGNAL_KILL);
    sys(wait4, process.pid, 0, 0, 0);
  }
  run(found.after, GO_ON); /* whatever came before the spawn may have made something that `after` removes */
  if (process.socket_directory >= 0) sys(unlinkat, process.socket_directory, process.socket_name, 0);
  send_results();
  send_failure();
  leave(1);
}

static void handle(u32 type, const u8 *data, u32 size, u32 left) {
  struct bytes list = {data, size};
  struct cursor in = {data, data + size};
  if (type == FRAME_SUBSCRIBE) subscribed = take_u32(&in);
  if (failed) return; /* what else was sent is read and forgotten, so that the failure can be */
  if (type == FRAME_OPS) run_plan(list, left);
  if (type == FRAME_ASK) {
    trace->streams = 1;
    run(list, GO_ON);
    send_results();
    send_frame(AGENT, FRAME_DONE, 0, 0, 0, 0);
  }
  if (type != FRAME_BATCH) return;
  failed = run(list, QUIET) != 0;
  trace->size = 0;
  if (failed) send_failure();
  else send_frame(AGENT, FRAME_DONE, 0, 0, 0, 0);
}

/*
 * CVE-2019-5736: a container can reach our program through /proc/PID/exe of a child that has not yet executed its own.
 * We run from a sealed copy in memory, which nobody can write to, whoever they are.
 */
static void protect(char **argv) {
  char *environment[] = {0};
  int self = (int)sys(openat, AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC, 0);
  if (self < 0) leave(101);
  if (sys(fcntl, self, GET_SEALS) >= SEALS) {
    sys(close, self);
    return;
  }
  int copy = (int)sys(memfd_create, "porthole-shim", MFD_CLOEXEC | MFD_ALLOW_SEALING | 0x10u /* MFD_EXEC, since 6.3 */);
  if (copy == -EINVAL) copy = (int)sys(memfd_create, "porthole-shim", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (copy < 0) leave(102);
  while (sys(sendfile, copy, self, 0, 1 << 20) > 0) continue;
  if (sys(fcntl, copy, ADD_SEALS, SEALS) < 0) leave(103);
  sys(execveat, copy, "", argv, environment, AT_EMPTY_PATH);
  leave(104);
}

static void prepare(void) {
  static const struct {
    void *handler;
    u64 flags;
    void *restorer;
    u64 mask;
  } standard = {0, 0, 0, 0};
  static const u64 every_signal = ~0ull;
  /* No descriptor that somebody forgot to close may reach a container. close_range(2) is of 5.9. */
  if (sys(close_range, AGENT + 1, ~0u, 0) < 0)
    for (int fd = AGENT + 1; fd < 4096; fd++) sys(close, fd);
  sys(fcntl, AGENT, F_SETFD, FD_CLOEXEC);
  for (int number = 1; number <= 64; number++) sys(rt_sigaction, number, &standard, 0, 8);
  sys(rt_sigprocmask, 2, &every_signal, 0, 8);
  sys(prctl, PR_SET_NAME, "porthole-shim", 0, 0, 0);
  sys(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
  sys(prctl, PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  sys(umask, 0); /* modes are exactly those of the plan */
  sys(chdir, "/");
  long mapped = sys(mmap, 0, sizeof(struct trace), 3 /* read, write */, 0x4021 /* shared, anonymous, no reserve */, -1, 0);
  if (mapped < 0 && mapped > -4096) leave(105);
  trace = (struct trace *)mapped;
}

/* `porthole-shim hold` does nothing: as long as it is there, so are the namespaces that it is in. */
static _Noreturn void hold(void) {
  for (;;) sys(ppoll, 0, 0, 0, 0, 8);
}

_Noreturn void shim_main(long *stack) {
  char **argv = (char **)(stack + 1);
  if (stack[0] > 0 && is_init(argv[0])) init_main(argv, argv + stack[0] + 1);
  protect(argv);
  prepare();
  if (stack[0] > 1) hold();
  struct hello hello = {PROTOCOL, 0, (u32)sys(getpid), 0, 0};
  send_frame(AGENT, FRAME_HELLO, &hello, sizeof hello, 0, 0);
  for (u32 used = 0;;) {
    usize room = sizeof buffer - used;
    long got = sys(read, AGENT, buffer + used, room < READ_SIZE ? room : READ_SIZE);
    if (got == -EINTR) continue;
    if (got <= 0) leave(0);
    used += (u32)got;
    u32 at = 0;
    for (struct frame frame; used - at >= sizeof frame; at += (u32)sizeof frame + frame.size) {
      memcpy(&frame, buffer + at, sizeof frame);
      if (frame.size > sizeof buffer - sizeof frame) leave(106);
      if (used - at - sizeof frame < frame.size) break;
      u32 behind = at + (u32)sizeof frame + frame.size;
      handle(frame.type, buffer + at + sizeof frame, frame.size, used - behind);
    }
    used -= at;
    if (at && used) memmove(buffer, buffer + at, used);
  }
}
