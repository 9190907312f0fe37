/* The first process of a replica's namespace: it starts the replica, writes its log, passes signals on, and writes down
   how it ended. Its lock tells everybody that the replica runs, and nobody can forget to let go of it. */
#include "launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

struct supervision {
  const struct order *order;
  struct log log;
  int folder, signals, output;
  pid_t main;
  int status;
  bool has_ended;
};

static void fail(const char *what) {
  report("error supervisor %s: %s\n", what, strerror(errno));
  _exit(1);
}

/* Puts a file down whole, or not at all. */
static bool write_down(int folder, const char *name, const char *text) {
  char temporary[64];
  snprintf(temporary, sizeof(temporary), "%s.new", name);
  int file = openat(folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  bool is_whole = write(file, text, strlen(text)) == (ssize_t)strlen(text);
  close(file);
  return is_whole && renameat(folder, temporary, folder, name) == 0;
}

static void hold_alive(const struct order *order) {
  int file = open(order->alive, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (file < 0 || fcntl(file, F_SETLK, &lock) != 0) fail("the replica's lock");
}

/* How often the kernel ended something for want of memory. */
static long kills_for_memory(const struct order *order) {
  if (!order->oom) return 0;
  FILE *file = fopen(order->oom, "re");
  if (!file) return 0;
  char word[64];
  long count = 0, value;
  while (fscanf(file, "%63s %ld", word, &value) == 2) if (!strcmp(word, "oom_kill")) count = value;
  fclose(file);
  return count;
}

static void write_ending(struct supervision *self) {
  char text[256];
  int status = self->status;
  bool by_signal = WIFSIGNALED(status);
  bool is_bad = by_signal || WEXITSTATUS(status) != 0;
  int count = by_signal ? snprintf(text, sizeof(text), "signal=%d\n", WTERMSIG(status))
                        : snprintf(text, sizeof(text), "code=%d\n", WEXITSTATUS(status));
  if (is_bad && kills_for_memory(self->order) > 0)
    count += snprintf(text + count, sizeof(text) - (size_t)count, "memory=1\n");
  snprintf(text + count, sizeof(text) - (size_t)count, "at=%lld\n", (long long)nanoseconds_now());
  write_down(self->folder, "ended", text);
}

/* Takes in who ended; true once nobody is left. */
static bool reap(struct supervision *self) {
  for (;;) {
    int status;
    pid_t process = waitpid(-1, &status, WNOHANG);
    if (process == self->main) {
      self->status = status;
      self->has_ended = true;
      /* What it left running goes with it. */
      kill(-1, SIGKILL);
    }
    if (process == 0) return false;
    if (process < 0 && errno != EINTR) return errno == ECHILD;
  }
}

/* Takes in what was written; false once nobody can write any more. */
static bool take_output(struct supervision *self) {
  char bytes[16 << 10];
  for (;;) {
    ssize_t count = read(self->output, bytes, sizeof(bytes));
    if (count > 0) log_take(&self->log, bytes, (size_t)count);
    else if (count == 0) return false;
    else if (errno != EINTR) return errno == EAGAIN;
  }
}

static void take_signals(struct supervision *self) {
  struct signalfd_siginfo signal;
  while (read(self->signals, &signal, sizeof(signal)) == sizeof(signal)) {
    if (signal.ssi_signo == SIGTERM) kill(self->main, self->order->stop_signal);
    if (signal.ssi_signo == SIGINT) kill(-1, SIGKILL);
  }
}

static void run(struct supervision *self) {
  bool is_open = true;
  for (bool is_over = false; !is_over;) {
    struct pollfd polled[] = {
        {.fd = self->signals, .events = POLLIN},
        {.fd = is_open ? self->output : -1, .events = POLLIN},
    };
    poll(polled, 2, -1);
    if (polled[1].revents) is_open = take_output(self);
    take_signals(self);
    is_over = reap(self) && self->has_ended;
  }
  if (is_open) take_output(self);
  log_finish(&self->log);
}

/* Passes on what the replica's process says of its start: nothing, where its program runs. */
static void tell_beginning(int begun) {
  char failure[256] = "";
  ssize_t count;
  while ((count = read(begun, failure, sizeof(failure) - 1)) < 0 && errno == EINTR) {}
  close(begun);
  if (count > 0) report("error %s\n", failure);
  else report("ok\n");
  close(REPORT);
}

static pid_t start(const struct order *order, int output, int begun) {
  pid_t process = fork();
  if (process != 0) return process;
  const char *failed = replica_become(order, output);
  char text[256];
  int count = snprintf(text, sizeof(text), "%s: %s", failed, strerror(errno));
  if (write(begun, text, count < (int)sizeof(text) ? (size_t)count : sizeof(text) - 1) < 0) _exit(126);
  _exit(127);
}

void supervise(const struct order *order) {
  static struct supervision self;
  self.order = order;
  prctl(PR_SET_NAME, "slipway-replica");
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) fail("private mounts");
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  self.signals = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
  self.folder = open(order->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int output[2], begun[2];
  if (self.signals < 0 || self.folder < 0 || pipe2(output, O_CLOEXEC) != 0 || pipe2(begun, O_CLOEXEC) != 0)
    fail("descriptors");
  hold_alive(order);
  log_open(&self.log, self.folder, order->log_bytes);
  /* From here on the replica exists, and whoever looks finds it. Where nobody could, since the deployer gave up and took
     the folder away, there is to be none. */
  if (!write_down(self.folder, "started", "")) fail("the replica's folder");
  close(START_LOCK);
  self.main = start(order, output[1], begun[1]);
  if (self.main < 0) fail("a process");
  close(output[1]);
  close(begun[1]);
  self.output = output[0];
  fcntl(self.output, F_SETFL, O_NONBLOCK);
  tell_beginning(begun[0]);
  run(&self);
  write_ending(&self);
  for (size_t index = 0; index < order->cgroup_count; index++) rmdir(order->cgroups[index]);
  _exit(0);
}
