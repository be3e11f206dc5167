/* The log: CRI lines, `2016-10-06T00:17:09.669794202Z stdout F text`. P is a part of a line, F its last. */
#include "shim.h"

enum { LINE = 16384, BATCH = 65536, HEAD = 64 };

static u8 pending[2][LINE]; /* of each stream, what no newline has ended yet */
static u32 pending_size[2];
static u8 batch[BATCH];
static u32 batch_size;
static char stamp[32];

static void two(char *to, u32 value) {
  to[0] = (char)('0' + value / 10);
  to[1] = (char)('0' + value % 10);
}

/* The civil date of a day number: years counted from March, so that the leap day is the last of a year. */
static void set_stamp(u64 time) {
  u32 days = (u32)(time / 86400000000000ull) + 719468, second = (u32)(time / 1000000000ull % 86400);
  u32 rest = (u32)(time % 1000000000ull);
  u32 era = days / 146097, day = days % 146097;
  u32 year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
  day -= 365 * year + year / 4 - year / 100;
  u32 month = (5 * day + 2) / 153;
  day -= (153 * month + 2) / 5;
  year += era * 400 + (month >= 10);
  memcpy(stamp, "0000-00-00T00:00:00.000000000Z", 31);
  two(stamp, year / 100);
  two(stamp + 2, year % 100);
  two(stamp + 5, month < 10 ? month + 3 : month - 9);
  two(stamp + 8, day + 1);
  two(stamp + 11, second / 3600);
  two(stamp + 14, second / 60 % 60);
  two(stamp + 17, second % 60);
  for (u32 i = 28; i > 19; i--, rest /= 10) stamp[i] = (char)('0' + rest % 10);
}

static void flush(void) {
  u32 done = 0;
  while (done < batch_size) {
    long wrote = sys(write, process.log, batch + done, batch_size - done);
    if (wrote == -EINTR) continue;
    if (wrote < 0) {
      /* A full disk: the log keeps whole lines, and the process does not wait for space. */
      struct statx is;
      if (done && sys(statx, process.log, "", AT_EMPTY_PATH, STATX_SIZE, &is) == 0)
        sys(ftruncate, process.log, is.stx_size - done);
      break;
    }
    done += (u32)wrote;
  }
  batch_size = 0;
}

static void add(const void *data, usize size) {
  memcpy(batch + batch_size, data, size);
  batch_size += (u32)size;
}

static void line(u32 stream, const char *tag, const u8 *data, usize size) {
  if (batch_size + size + HEAD > BATCH) flush();
  add(stamp, 30);
  add(stream ? " stderr " : " stdout ", 8);
  add(tag, 2);
  add(data, size);
  add("\n", 1);
}

void log_output(u32 stream, const u8 *data, usize size) {
  if (process.log < 0 || size == 0) return;
  set_stamp(now(REALTIME));
  u32 held = pending_size[stream];
  while (size) {
    usize take = 0;
    while (take < size && data[take] != '\n') take++;
    u32 ended = take < size;
    /* Only what follows says whether a full buffer is a part or a whole line. */
    if (held == LINE && take) line(stream, "P ", pending[stream], held), held = 0;
    if (held == 0 && ended && take <= LINE) line(stream, "F ", data, take);
    else {
      if (take > LINE - held) take = LINE - held, ended = 0;
      memcpy(pending[stream] + held, data, take);
      held += (u32)take;
      if (ended) line(stream, "F ", pending[stream], held), held = 0;
    }
    data += take + ended;
    size -= take + ended;
  }
  pending_size[stream] = held;
  flush();
}

void log_end(void) {
  if (process.log < 0) return;
  set_stamp(now(REALTIME));
  for (u32 stream = 0; stream < 2; stream++)
    if (pending_size[stream]) line(stream, "P ", pending[stream], pending_size[stream]);
  flush();
}
