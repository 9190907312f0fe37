#include "launcher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void fail(const char *reason) {
  report("error order %s\n", reason);
  exit(1);
}

/* Everything that comes, with a zero behind it. */
static char *read_all(size_t *count) {
  size_t room = 1 << 16, have = 0;
  char *bytes = malloc(room + 1);
  while (bytes) {
    ssize_t more = read(ORDER, bytes + have, room - have);
    if (more < 0 && errno == EINTR) continue;
    if (more < 0) fail(strerror(errno));
    if (more == 0) break;
    have += (size_t)more;
    if (have == room) bytes = realloc(bytes, (room *= 2) + 1);
  }
  if (!bytes) fail("no memory");
  bytes[have] = 0;
  *count = have;
  return bytes;
}

static bool is(const char *key, size_t count, const char *name) {
  return strlen(name) == count && memcmp(key, name, count) == 0;
}

void order_read(struct order *order) {
  size_t count, records = 0;
  char *bytes = read_all(&count);
  for (size_t index = 0; index < count; index++) records += bytes[index] == 0;
  order->words = calloc(records + 1, sizeof(char *));
  order->variables = calloc(records + 1, sizeof(char *));
  order->cgroups = calloc(records + 1, sizeof(char *));
  if (!order->words || !order->variables || !order->cgroups) fail("no memory");
  bool is_whole = false;
  for (char *record = bytes; record < bytes + count; record += strlen(record) + 1) {
    char *value = strchr(record, '=');
    if (!value) fail("a record without a value");
    size_t key = (size_t)(value++ - record);
    if (is(record, key, "check")) order->check_only = true;
    else if (is(record, key, "root")) order->root = value;
    else if (is(record, key, "folder")) order->folder = value;
    else if (is(record, key, "alive")) order->alive = value;
    else if (is(record, key, "working")) order->working = value;
    else if (is(record, key, "hostname")) order->hostname = value;
    else if (is(record, key, "oom")) order->oom = value;
    else if (is(record, key, "user")) order->user = (uid_t)strtoul(value, NULL, 10);
    else if (is(record, key, "group")) order->group = (gid_t)strtoul(value, NULL, 10);
    else if (is(record, key, "stop")) order->stop_signal = atoi(value);
    else if (is(record, key, "log_bytes")) order->log_bytes = strtoull(value, NULL, 10);
    else if (is(record, key, "temporary_bytes")) order->temporary_bytes = strtoull(value, NULL, 10);
    else if (is(record, key, "data_bytes")) order->data_bytes = strtoull(value, NULL, 10);
    else if (is(record, key, "word")) order->words[order->word_count++] = value;
    else if (is(record, key, "variable")) order->variables[order->variable_count++] = value;
    else if (is(record, key, "cgroup")) order->cgroups[order->cgroup_count++] = value;
    else if (is(record, key, "end")) is_whole = true;
    else fail("a record that is not known");
  }
  /* The deployer may have died while it wrote. */
  if (!is_whole) fail("it is not whole");
  if (order->check_only) return;
  if (!order->root || !order->folder || !order->alive || !order->word_count) fail("something is missing");
  if (order->user == 0 || order->group == 0) fail("replicas are never root");
}
