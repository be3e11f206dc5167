/* The protocol between agent and shim; its other end is wire.ts. Numbers are little endian. */
#pragma once

#include "sys.h"

enum { PROTOCOL = 2 };

/* A frame is { u32 type, u32 size } and `size` bytes. Unknown types are skipped by both sides. */
enum frame_type {
  FRAME_OPS = 1,         /* operations; answered by RESULT (and STARTED when they hold a spawn) */
  FRAME_BATCH = 2,       /* operations; answered by DONE */
  FRAME_STDIN = 3,       /* at most CHUNK bytes; answered by TAKEN when the process's pipe took them */
  FRAME_STDIN_CLOSE = 4,
  FRAME_RESIZE = 5,      /* { u16 rows, u16 columns } */
  FRAME_SIGNAL = 6,      /* { u32 signal } */
  FRAME_SUBSCRIBE = 7,   /* { u32 on } */
  FRAME_ASK = 8,         /* operations; a failed one does not stop the others; answered by RESULT and DONE */
  FRAME_HELLO = 65,      /* struct hello and results */
  FRAME_RESULT = 66,     /* results */
  FRAME_DONE = 67,
  FRAME_STARTED = 68,    /* { u32 pid, u32 0, u64 realtime } */
  FRAME_STDOUT = 69,
  FRAME_STDERR = 70,
  FRAME_EXITED = 71,     /* { u32 wait status, u32 0, u64 realtime } and the results of `after` */
  FRAME_FAILED = 72,     /* { u32 id, u32 errno, u32 wait status of a child that died on the way } */
  FRAME_TAKEN = 73,      /* { u32 bytes } */
  FRAME_OOM = 80,        /* the memory cgroup ran out of memory, or its events changed: its files tell what happened */
};

enum { CHUNK = 32768, PLAN_LIMIT = 8 << 20, TRACE_LIMIT = 4 << 20 };

struct frame {
  u32 type, size;
};

/* One result: this and `size` bytes that a `read` read. */
struct __attribute__((packed)) result {
  u32 id, errno;
  u64 nanoseconds;
  u32 size;
};

struct hello {
  u32 version, state, shim_pid, pid; /* state: 0 executor, 1 running */
  u64 started;                       /* realtime, 0 before */
};

struct bytes {
  const u8 *data;
  u32 size;
};
struct texts {
  struct bytes rest;
  u32 count;
};
struct cursor {
  const u8 *at, *end;
};

/* In front of an operation's arguments. */
struct __attribute__((packed)) operation {
  u16 code;
  u8 tolerate[2];
  u32 id, size;
};

static inline void take(struct cursor *in, void *to, u32 size) {
  __builtin_memset(to, 0, size);
  if ((usize)(in->end - in->at) < size) return;
  __builtin_memcpy(to, in->at, size);
  in->at += size;
}
static inline u32 take_u32(struct cursor *in) {
  u32 value;
  take(in, &value, 4);
  return value;
}
static inline u64 take_u64(struct cursor *in) {
  u64 value;
  take(in, &value, 8);
  return value;
}
static inline struct bytes take_bytes(struct cursor *in) {
  struct bytes value;
  value.size = take_u32(in);
  value.data = in->at;
  if ((usize)(in->end - in->at) < value.size) value.size = 0;
  in->at += value.size;
  return value;
}
/* A text has a NUL behind it on the wire, so that it can be used in place. */
static inline const char *take_text(struct cursor *in) {
  struct bytes value = take_bytes(in);
  if (in->at == in->end || *in->at != 0) return "";
  in->at++;
  return (const char *)value.data;
}
static inline struct texts take_texts(struct cursor *in) {
  struct texts value;
  value.count = take_u32(in);
  value.rest.data = in->at;
  for (u32 i = 0; i < value.count && in->at < in->end; i++) take_text(in);
  value.rest.size = (u32)(in->at - value.rest.data);
  return value;
}
