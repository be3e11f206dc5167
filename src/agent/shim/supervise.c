/* The supervisor: one loop between the process's stdio, its log and the clients, and then the end. */
#include "shim.h"

enum { CLIENTS = 16, PATIENCE = 5 /* s */, QUEUE_LIMIT = PLAN_LIMIT - CHUNK - 4096, RECORD_MAGIC = 0x31524850 };

struct client {
  int fd;
  u32 subscribed, close_input;
  u32 position;          /* how much of the queue it has been sent */
  u32 taken;             /* bytes of stdin that it must still be told of */
  u32 told;              /* of memory that ran out: still to be told */
  u32 used;              /* of `frames` */
  u32 input_at, input_size; /* of `input`: what the process has not taken yet */
  u8 frames[CHUNK + 64], input[CHUNK];
};

static struct client clients[CLIENTS];
static u32 client_count;
static u8 *queue; /* frames for the clients: one chunk of output while the process runs, all that remains at its end */
static u32 queue_size;
static u32 ended, hung_up;

static long send_some(int fd, const void *data, usize size) {
  return sys(sendto, fd, data, size, NO_SIGNAL | 0x40 /* MSG_DONTWAIT */, 0, 0);
}

static void drop(struct client *client) {
  sys(close, client->fd);
  client->fd = -1;
  /* What it touched goes back to the kernel; the page that it shares with its neighbour stays. */
  u64 from = ((u64)client->frames + 4095) & ~4095ull, to = (u64)(client + 1) & ~4095ull;
  sys(madvise, from, to - from, 4 /* MADV_DONTNEED */);
}

/* Sends what the client has not got. News of its own may only stand between two frames of the queue. */
static void flush(struct client *client) {
  while (client->position < queue_size) {
    long sent = send_some(client->fd, queue + client->position, queue_size - client->position);
    if (sent == -EAGAIN) return;
    if (sent < 0) return drop(client);
    client->position += (u32)sent;
  }
  u32 news[5] = {FRAME_TAKEN, 4, client->taken, FRAME_OOM, 0};
  u32 from = client->taken ? 0 : 3, to = client->told ? 5 : 3;
  if (from == to) return;
  long size = (long)((to - from) * sizeof *news), sent = send_some(client->fd, news + from, (usize)size);
  if (sent == size) client->taken = client->told = 0;
  else if (sent != -EAGAIN) drop(client);
}

static u32 delivered(void) {
  for (u32 i = 0; i < client_count; i++)
    if (clients[i].fd >= 0 && clients[i].position < queue_size) return 0;
  return 1;
}

static u32 connected(void) {
  for (u32 i = 0; i < client_count; i++)
    if (clients[i].fd >= 0) return 1;
  return 0;
}

/* A frame of `size` bytes stands behind the queue: it becomes part of it. Who has not subscribed has "got" it. */
static void enqueue(u32 type, u32 size, u32 for_all) {
  struct frame frame = {type, size};
  memcpy(queue + queue_size, &frame, sizeof frame);
  u32 before = queue_size;
  queue_size += (u32)sizeof frame + size;
  for (u32 i = 0; i < client_count; i++)
    if (!for_all && !clients[i].subscribed && clients[i].position == before) clients[i].position = queue_size;
  for (u32 i = 0; i < client_count; i++)
    if (clients[i].fd >= 0) flush(&clients[i]);
}

static void close_output(u32 stream) {
  if (process.output[stream] == process.input) process.input = -1;
  sys(close, process.output[stream]);
  process.output[stream] = -1;
}

/* Reads one chunk, logs it and offers it to the subscribers. Returns 0 when there is nothing to read now. */
static u32 read_output(u32 stream) {
  if (!ended) {
    queue_size = 0;
    for (u32 i = 0; i < client_count; i++) clients[i].position = 0;
  }
  u8 *to = queue + queue_size + sizeof(struct frame);
  long got = sys(read, process.output[stream], to, CHUNK);
  if (got == -EAGAIN) return 0;
  if (got == -EINTR) return 1;
  hung_up = got == -EIO && !ended; /* nobody has the terminal open now; an init may open /dev/console again */
  if (hung_up) return 0;
  if (got <= 0) {
    close_output(stream);
    return 0;
  }
  log_output(stream, to, (usize)got);
  enqueue(stream ? FRAME_STDERR : FRAME_STDOUT, (u32)got, 0);
  return 1;
}

static void end_input(void) {
  if (process.terminal || process.input < 0) return;
  sys(close, process.input);
  process.input = -1;
}

static void write_input(struct client *client) {
  while (client->input_at < client->input_size) {
    u32 left = client->input_size - client->input_at;
    long wrote = process.input < 0 ? left : sys(write, process.input, client->input + client->input_at, left);
    if (wrote == -EAGAIN) return;
    if (wrote == -EINTR) continue;
    if (wrote < 0) end_input(), wrote = left; /* nobody reads it any more */
    client->input_at += (u32)wrote;
  }
  client->taken += client->input_size;
  client->input_at = client->input_size = 0;
  if (client->close_input) end_input();
  flush(client);
}

static void handle(struct client *client, u32 type, const u8 *data, u32 size) {
  struct cursor in = {data, data + size};
  if (type == FRAME_STDIN && size <= CHUNK) {
    memcpy(client->input, data, size);
    client->input_size = size;
    write_input(client);
  } else if (type == FRAME_STDIN_CLOSE) {
    client->close_input = 1;
    if (!client->input_size) end_input();
  } else if (type == FRAME_RESIZE && process.terminal) {
    u32 both = take_u32(&in);
    u16 window[4] = {(u16)both, (u16)(both >> 16), 0, 0};
    sys(ioctl, process.output[0], 0x5414 /* TIOCSWINSZ */, window);
  } else if (type == FRAME_SIGNAL && !ended) {
    sys(kill, process.pid, take_u32(&in));
  } else if (type == FRAME_SUBSCRIBE) {
    client->subscribed = take_u32(&in);
  }
}

/* Handles the whole frames that have arrived. Stdin waits for the stdin before it; nothing else does. */
static void parse(struct client *client) {
  u32 at = 0;
  struct frame frame;
  while (client->fd >= 0 && client->used - at >= sizeof frame) {
    memcpy(&frame, client->frames + at, sizeof frame);
    if (frame.size > CHUNK) return drop(client);
    if (client->used - at - sizeof frame < frame.size || (frame.type == FRAME_STDIN && client->input_size)) break;
    handle(client, frame.type, client->frames + at + sizeof frame, frame.size);
    at += (u32)sizeof frame + frame.size;
  }
  client->used -= at;
  if (at) memmove(client->frames, client->frames + at, client->used);
}

static void receive(struct client *client) {
  long got = sys(read, client->fd, client->frames + client->used, sizeof client->frames - client->used);
  if (got == -EAGAIN || got == -EINTR) return;
  if (got <= 0) return drop(client);
  client->used += (u32)got;
  parse(client);
}

static struct client *add_client(int fd) {
  struct client *client = 0;
  for (u32 i = 0; i < client_count && !client; i++)
    if (clients[i].fd < 0) client = &clients[i];
  if (!client && client_count < CLIENTS) client = &clients[client_count++];
  if (!client) return 0;
  memset(client, 0, (usize)(client->frames - (u8 *)client));
  client->fd = fd;
  client->position = queue_size;
  return client;
}

static void welcome(void) {
  int fd = (int)sys(accept4, process.listener, 0, 0, O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return;
  struct client *client = add_client(fd);
  if (!client) {
    sys(close, fd);
    return;
  }
  struct hello hello = {PROTOCOL, 1, (u32)sys(getpid), (u32)process.pid, process.started};
  if (send_frame(fd, FRAME_HELLO, &hello, sizeof hello, trace->data, trace->size) < 0) drop(client);
}

/* Reaps whoever ended. Strays of a container without its own PID namespace come to us: we are their subreaper. */
static void reap(void) {
  int status;
  long pid;
  while ((pid = sys(wait4, -1, &status, NO_HANG, 0)) > 0) {
    if (pid != process.pid) continue;
    process.status = status;
    ended = 1;
  }
}

static void tell_memory(void) {
  if (!memory_told()) return;
  for (u32 i = 0; i < client_count; i++) {
    if (clients[i].fd < 0) continue;
    clients[i].told = 1;
    flush(&clients[i]);
  }
}

enum { OWN = 6 }; /* descriptors in front of the clients' */

static void poll(int signals) {
  struct pollfd fds[CLIENTS + OWN];
  u32 reads = !ended && delivered(), room = 0, count = OWN;
  u32 inputs = 0;
  for (u32 i = 0; i < client_count; i++) {
    struct client *client = &clients[i];
    short events = client->used < sizeof client->frames ? READABLE : 0;
    if (client->position < queue_size || client->taken || client->told) events |= WRITABLE;
    fds[count++] = (struct pollfd){client->fd, events, 0};
    room |= client->fd < 0;
    inputs |= client->fd >= 0 && client->input_size;
  }
  fds[0] = (struct pollfd){signals, READABLE, 0};
  fds[1] = (struct pollfd){room || client_count < CLIENTS ? process.listener : -1, READABLE, 0};
  for (u32 i = 0; i < 2; i++) fds[2 + i] = (struct pollfd){reads && !hung_up ? process.output[i] : -1, READABLE, 0};
  fds[4] = (struct pollfd){inputs ? process.input : -1, WRITABLE, 0};
  fds[5] = (struct pollfd){ended ? -1 : process.memory, READABLE, 0};
  struct timespec64 patience = {PATIENCE, 0}, soon = {0, 100000000};
  long wait = sys(ppoll, fds, count, ended ? &patience : hung_up ? &soon : 0, 0, 8);
  hung_up = 0;
  if (wait == 0 && ended) { /* at the end a client that takes nothing is not waited for */
    for (u32 i = 0; i < client_count; i++)
      if (clients[i].fd >= 0) drop(&clients[i]);
  }
  if (wait <= 0) return;
  if (fds[0].revents) {
    u8 information[128];
    sys(read, signals, information, sizeof information);
    reap();
  }
  if (fds[5].revents) tell_memory();
  for (u32 i = 0; i < count - OWN; i++) {
    struct client *client = &clients[i];
    if (fds[OWN + i].revents & (READABLE | BROKEN | HUNG_UP)) receive(client);
    if (client->fd >= 0 && (fds[OWN + i].revents & WRITABLE)) flush(client);
  }
  if (fds[4].revents)
    for (u32 i = 0; i < client_count; i++)
      if (clients[i].fd >= 0 && clients[i].input_size) {
        write_input(&clients[i]);
        parse(&clients[i]);
      }
  for (u32 i = 0; i < 2; i++)
    if (fds[2 + i].revents && process.output[i] >= 0 && delivered()) read_output(i);
  if (fds[1].revents) welcome();
}

/* The exit record appears under its name only when it is complete, and on disk where it is to last. */
static void write_record(const void *data, usize size) {
  char temporary[112];
  if (process.record < 0) return;
  usize name = strlen(process.record_name);
  memcpy(temporary, process.record_name, name);
  memcpy(temporary + name, ".tmp", 5);
  int fd = (int)sys(openat, process.record, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return;
  u32 magic = RECORD_MAGIC;
  if (write_all(fd, &magic, sizeof magic) == 0 && write_all(fd, data, size) == 0 && (!process.synced || sys(fsync, fd) == 0)) {
    sys(renameat2, process.record, temporary, process.record, process.record_name, 0);
    if (process.synced) sys(fsync, process.record);
  }
  sys(close, fd);
}

static void end(void) {
  u64 time = now(REALTIME);
  for (u32 i = 0; i < 2; i++) /* strays may hold a pipe and go on writing: what is there now is what counts */
    while (process.output[i] >= 0 && queue_size < QUEUE_LIMIT && read_output(i)) continue;
  log_end();
  for (u32 i = 0; i < 2; i++)
    if (process.output[i] >= 0) close_output(i);
  end_input();
  u32 before = trace->size;
  run(process.after, GO_ON);
  u32 size = trace->size - before, head[4] = {(u32)process.status, 0, (u32)time, (u32)(time >> 32)};
  if (size > PLAN_LIMIT - queue_size - 64) size = 0;
  u8 *to = queue + queue_size + sizeof(struct frame);
  memcpy(to, head, sizeof head);
  memcpy(to + sizeof head, trace->data + before, size);
  write_record(to, sizeof head + size);
  /* Whoever hears of the exit may unmount or remove what these are on. A client that was not accepted yet finds the record. */
  if (process.socket_directory >= 0) sys(unlinkat, process.socket_directory, process.socket_name, 0);
  const int done[] = {process.listener, process.socket_directory, process.record, process.log};
  for (u32 i = 0; i < 4; i++) sys(close, done[i]);
  process.listener = -1;
  enqueue(FRAME_EXITED, (u32)sizeof head + size, 1);
}

_Noreturn void supervise(u8 *buffer, u32 used, u32 subscribed) {
  u64 child = 1ull << (SIGNAL_CHILD - 1);
  int signals = (int)sys(signalfd4, -1, &child, 8, O_CLOEXEC | O_NONBLOCK);
  sys(fcntl, 3, F_SETFL, O_RDWR | O_NONBLOCK);
  struct client *first = add_client(3);
  first->subscribed = subscribed;
  first->used = used <= sizeof first->frames ? used : 0;
  memcpy(first->frames, buffer, first->used);
  sys(madvise, buffer, PLAN_LIMIT, 4 /* MADV_DONTNEED */);
  queue = buffer;
  parse(first);
  reap(); /* it may have ended before the signal had a descriptor */
  while (!ended) poll(signals);
  end();
  while (!delivered()) poll(signals);
  /* A socket closed over unread data is reset, and its peer may lose the exit: the clients close first. */
  for (u32 i = 0; i < client_count; i++) sys(shutdown, clients[i].fd, 1 /* SHUT_WR */);
  while (connected()) poll(signals);
  leave(0);
}
