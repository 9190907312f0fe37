#include "launcher.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int64_t nanoseconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void begin(struct log *log) {
  log->file = openat(log->folder, "log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  struct stat status;
  log->written = log->file >= 0 && fstat(log->file, &status) == 0 ? (uint64_t)status.st_size : 0;
}

void log_open(struct log *log, int folder, uint64_t limit) {
  memset(log, 0, sizeof(*log));
  log->folder = folder;
  log->limit = limit < (64 << 10) ? 64 << 10 : limit;
  begin(log);
}

static void put(struct log *log) {
  size_t count = log->held;
  if (count > 0 && log->line[count - 1] == '\r') count--;
  char text[sizeof(log->line) + 32];
  int head = snprintf(text, 32, "%lld ", (long long)nanoseconds_now());
  memcpy(text + head, log->line, count);
  /* Readers cut at zeros no more than at anything else, but people's tools do. */
  for (size_t index = 0; index < count; index++) if (text[head + (int)index] == 0) text[head + (int)index] = ' ';
  size_t all = (size_t)head + count;
  text[all++] = '\n';
  log->held = 0;
  if (log->written + all > log->limit && log->written > 0) {
    if (log->file >= 0) close(log->file);
    renameat(log->folder, "log", log->folder, "log.1");
    begin(log);
  }
  if (log->file < 0) return;
  /* A full disk costs lines, never the replica. Half a line is taken back. */
  ssize_t written = write(log->file, text, all);
  if (written == (ssize_t)all) log->written += all;
  else if (written > 0 && ftruncate(log->file, (off_t)log->written) != 0) log->written += (uint64_t)written;
}

void log_take(struct log *log, const char *bytes, size_t count) {
  for (size_t index = 0; index < count; index++) {
    if (bytes[index] != '\n') {
      log->line[log->held++] = bytes[index];
      log->was_cut = false;
      if (log->held < sizeof(log->line)) continue;
      put(log);
      log->was_cut = true;
    } else if (log->was_cut) {
      log->was_cut = false;
    } else {
      put(log);
    }
  }
}

void log_finish(struct log *log) {
  if (log->held > 0) put(log);
}
